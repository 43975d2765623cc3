/* check
model: core.batches
severity: error
description: For every batch, records = accepted + duplicates + quarantined, and each quarantined record is in core.quarantine.
remedy: This is a bug in Headwater, not a fault of the data; please report it with the file's name and the output of `headwater doctor`.
*/
SELECT
    batches.batch_id,
    batches.file,
    batches.records,
    batches.accepted,
    batches.duplicates,
    batches.quarantined,
    COUNT(quarantine.batch_id) AS in_quarantine
FROM core.batches AS batches
LEFT JOIN raw.quarantine AS quarantine ON quarantine.batch_id = batches.batch_id
GROUP BY ALL
HAVING
    batches.records <> batches.accepted + batches.duplicates + batches.quarantined
    OR batches.quarantined <> COUNT(quarantine.batch_id)
