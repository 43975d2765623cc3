-- The day that is not over yet.

-- query ingested: When files were last read, and when the newest of them was last written, both UTC.
SELECT max(ingested_at) AS ingested_at, max(landed_at) AS landed_at FROM core.batches;

-- query hours: Sales, orders, visitors not seen earlier that day, and exposures, for each hour of two days.
WITH sales AS (
    SELECT lines.dt,
        CAST(extract(hour FROM lines.paid_at + offsets.utc_offset_seconds * INTERVAL 1 SECOND) AS INTEGER) AS hour,
        METRICS(revenue, orders)
    FROM core.order_lines AS lines
    JOIN config.utc_offsets AS offsets ON lines.paid_at >= offsets.valid_from AND lines.paid_at < offsets.valid_to
    WHERE lines.dt IN ($day, $then)
    GROUP BY ALL
), ends AS (
    SELECT dt, hour, METRICS(exposures) FROM attribution.entrance_hourly WHERE dt IN ($day, $then) GROUP BY dt, hour
), visits AS (
    SELECT dt, hour, first_visits AS visitors, events FROM core.traffic_hourly WHERE dt IN ($day, $then)
)
SELECT dt, hour, coalesce(sales.revenue, 0) AS revenue, coalesce(sales.orders, 0) AS orders,
    coalesce(visits.visitors, 0) AS visitors, coalesce(ends.exposures, 0) AS exposures,
    coalesce(visits.events, 0) AS events
FROM sales FULL JOIN ends USING (dt, hour) FULL JOIN visits USING (dt, hour)
ORDER BY dt, hour;
