/* model
description: Every refused record, once and whole, with where it stood and all that is wrong with it.
grain: [batch_id, record_no]
reads: {raw.quarantine: all}
columns:
  batch_id: {type: VARCHAR, description: batch that the record belongs to}
  source: {type: VARCHAR, description: source}
  relation: {type: VARCHAR, description: relation of the source}
  file: {type: VARCHAR, description: "file, relative to the landing folder"}
  line_no: {type: BIGINT, description: "line of the file where the record begins, from 1; null where the file is gone"}
  record_no: {type: BIGINT, description: "record of the file, from 1, without blank lines"}
  reasons: {type: VARCHAR, description: "all that is wrong with it, joined by '; '"}
  raw: {type: VARCHAR, description: "the record as it stands in the file; of an over-long line its beginning"}
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
