/* model
description: Every record that failed validation, with its place in the file, its text and all reasons.
grain: [batch_id, record_no]
reads: {raw.quarantine: all}
columns:
  batch_id: {type: VARCHAR, description: "batch that the record belongs to, see core.batches"}
  source: {type: VARCHAR, description: "source of the record, the name of a folder in sql/sources/"}
  relation: {type: VARCHAR, description: "kind of record, such as orders: a key under relations in the source's source.yaml"}
  file: {type: VARCHAR, description: "file, relative to the landing folder"}
  line_no: {type: BIGINT, description: "line of the file where the record begins, from 1; null = the file no longer exists, or the person is forgotten"}
  record_no: {type: BIGINT, description: "number of the record in the file, from 1, without blank lines"}
  reasons: {type: VARCHAR, description: "every reason, joined by '; '"}
  raw: {type: VARCHAR, description: "the record's text as in the file; only the beginning of a line that is too long; null = forgotten"}
  landed_at: {type: TIMESTAMP, description: "when the file landed, UTC"}
*/
SELECT
    batch_id,
    source,
    relation,
    file,
    line_no,
    record_no,
    reasons,
    raw,
    landed_at
FROM raw.quarantine
