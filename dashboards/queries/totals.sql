-- Coverage of a range of days.

-- query days: Number of days with events.
SELECT count(*) AS log_days FROM core.traffic_daily AS all_days WHERE dt BETWEEN $from AND $to;

-- query visitor_days: Number of days for which visitors are known.
SELECT count(DISTINCT dt) AS visitor_days FROM core.visitors AS all_visitors WHERE dt BETWEEN $from AND $to;
