/* check
model: core.version_ties
severity: warn
description: Different versions of one key have different values of updated_at, so that the newest is known.
remedy: >
  Land updated_at with its time of day. If two different lines of an order share a line_no, give them different numbers.
  Until then the version with the most advanced status counts, then the one with the larger hash.
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
