/* model
description: >
  Every landing file that was read and what became of its records: records = accepted + duplicates + quarantined.
grain: [batch_id]
reads: {raw.batches: all}
columns:
  batch_id: {type: VARCHAR, description: hash of the file's path and content}
  source: {type: VARCHAR, description: source that it belongs to}
  relation: {type: VARCHAR, description: relation of the source}
  file: {type: VARCHAR, description: "file, relative to the landing folder"}
  bytes: {type: BIGINT, description: size of the file}
  landed_at: {type: TIMESTAMP, description: "modification time of the file when it was first read, UTC"}
  ingested_at: {type: TIMESTAMP, description: "when it was ingested, UTC"}
  records: {type: BIGINT, description: records read}
  accepted: {type: BIGINT, description: records that count}
  duplicates: {type: BIGINT, description: records that were in the lake already}
  quarantined: {type: BIGINT, description: "records that were refused, see core.quarantine"}
  unmapped: {type: BIGINT, description: accepted records of which the source's queries make no row}
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
