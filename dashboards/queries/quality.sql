-- Quality of the event log on the selected days, and all landed records.

-- query records: Number of records ever landed, by outcome.
SELECT METRICS(records, accepted, duplicates, quarantined, duplicate_rate, quarantined_rate), count(*) AS batches,
    sum(records) = sum(accepted) + sum(duplicates) + sum(quarantined) AS is_equal
FROM core.batches;

-- query reasons: Quarantined records by reason, with an example.
SELECT source, relation, reasons, count(*) AS quarantined, count(DISTINCT file) AS files, max(landed_at) AS landed_at,
    min_by(file || CASE WHEN line_no IS NULL THEN '' ELSE ':' || line_no END, (file, record_no)) AS example,
    min_by(raw, (file, record_no)) AS raw
FROM core.quarantine GROUP BY ALL ORDER BY quarantined DESC, source, relation, reasons;

-- query batches: The landed files, the newest first; the page shows times to the minute.
SELECT file, source, relation, bytes, landed_at, ingested_at, records, accepted, duplicates, quarantined, unmapped
FROM core.batches
ORDER BY date_trunc('minute', ingested_at) DESC, landed_at DESC, ingested_at DESC, file DESC, batch_id;

-- query health: Quality of the event log by day.
SELECT * FROM core.traffic_daily WHERE dt BETWEEN $first AND $last ORDER BY dt;

-- query health_total: Quality of the event log over all days.
SELECT METRICS(events, page_id_missing_rate, page_id_drop_rate, skewed_rate, late_rate)
FROM core.traffic_daily WHERE dt BETWEEN $first AND $last;

-- query mismatches: Number of records that the sales tables cannot include, by kind of mismatch.
SELECT mismatch, count(*) AS orders FROM core.order_mismatches GROUP BY 1 ORDER BY 1;

-- query ingested: When files were last read, and all their records by outcome.
SELECT max(ingested_at) AS ingested_at, sum(accepted) AS accepted, sum(duplicates) AS duplicates,
    sum(quarantined) AS quarantined
FROM core.batches;
