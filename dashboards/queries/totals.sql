-- What the figures of a range of days rest on.

-- query days: How many days were logged.
SELECT count(*) AS log_days FROM core.traffic_daily WHERE dt BETWEEN $from AND $to;

-- query visitor_days: How many days the visitors are known of.
SELECT count(DISTINCT dt) AS visitor_days FROM core.visitors WHERE dt BETWEEN $from AND $to;
