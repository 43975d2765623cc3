/* check
model: core.batches
severity: error
description: Of every batch, records read = accepted + duplicates + quarantined.
remedy: This is a fault of Headwater, not of the data; please report it with the file's name and `headwater doctor`.
*/
SELECT
    batch_id,
    file,
    records,
    accepted,
    duplicates,
    quarantined
FROM core.batches
WHERE records <> accepted + duplicates + quarantined
