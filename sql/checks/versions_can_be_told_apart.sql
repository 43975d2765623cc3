/* check
model: core.version_ties
severity: warn
description: Of different versions of one key, updated_at says which is the newest.
remedy: >
  Versions with the same updated_at (or none) cannot be told apart; the further status or the larger hash counts. Land
  updated_at with its time of day; where two different lines of an order share a line_no, number them apart.
  `headwater sql "SELECT * FROM core.version_ties"` lists them.
*/
SELECT
    target,
    COUNT(*) AS keys,
    SUM(versions) AS versions,
    MIN(key) AS first_key,
    MIN(first_file) AS first_file
FROM core.version_ties
GROUP BY target
