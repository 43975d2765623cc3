/* model
description: >
  Every landing file that was read, and how its records were counted: records = accepted + duplicates + quarantined.
grain: [batch_id]
reads: {raw.batches: all}
columns:
  batch_id: {type: VARCHAR, description: hash of the file's path and content}
  source: {type: VARCHAR, description: "source of the file, the name of a folder in sql/sources/"}
  relation: {type: VARCHAR, description: "kind of record in the file, such as orders: a key under relations in the source's source.yaml"}
  file: {type: VARCHAR, description: "file, relative to the landing folder"}
  bytes: {type: BIGINT, description: size of the file in bytes}
  landed_at: {type: TIMESTAMP, description: "modification time of the file when it was first read, UTC"}
  ingested_at: {type: TIMESTAMP, description: "time of ingestion, UTC"}
  records: {type: BIGINT, description: records read}
  accepted: {type: BIGINT, description: records that are new and valid}
  duplicates: {type: BIGINT, description: records that were in the lake already}
  quarantined: {type: BIGINT, description: "records that failed validation, see core.quarantine"}
  unmapped: {type: BIGINT, description: "accepted records for which the source's queries return no row"}
*/
SELECT
    batch_id,
    source,
    relation,
    file,
    bytes,
    landed_at,
    ingested_at,
    records,
    accepted,
    duplicates,
    quarantined,
    unmapped
FROM raw.batches
WHERE kind = 'file'
