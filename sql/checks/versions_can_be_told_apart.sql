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
    ties.target,
    COUNT(*) AS keys,
    SUM(ties.versions) AS versions,
    MIN(ties.key) AS first_key,
    MIN(COALESCE(NULLIF(batches.file, ''), batches.source)) AS first_file
FROM core.version_ties AS ties
LEFT JOIN raw.batches AS batches ON batches.batch_id = ties.first_batch_id
GROUP BY ties.target
