-- How complete the data of a range of days is.

-- query days: How many days were logged.
SELECT count(*) AS log_days FROM core.traffic_daily WHERE dt BETWEEN $from AND $to;

-- query visitor_days: On how many days the visitors are known.
SELECT count(DISTINCT dt) AS visitor_days FROM core.visitors WHERE dt BETWEEN $from AND $to;
