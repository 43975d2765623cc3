-- The overview; its totals come from dashboards.totals.

-- query days: Sales and visitors by day; null on days that are not computed.
WITH days AS (
    SELECT CAST(unnest(generate_series($from, $to, INTERVAL 1 DAY)) AS DATE) AS dt
), computed AS (
    SELECT DISTINCT dt FROM attribution.entrance_daily AS all_entrances
), sales AS (
    SELECT dt, METRICS(revenue, net_revenue, margin, orders, units)
    FROM core.order_lines WHERE dt BETWEEN $from AND $to GROUP BY dt
), visits AS (
    SELECT dt, METRICS(visitors) FROM core.visitors WHERE dt BETWEEN $from AND $to GROUP BY dt
)
SELECT days.dt, visits.visitors,
    CASE WHEN computed.dt IS NOT NULL THEN coalesce(sales.revenue, 0) END AS revenue,
    CASE WHEN computed.dt IS NOT NULL THEN coalesce(sales.net_revenue, 0) END AS net_revenue,
    CASE WHEN computed.dt IS NOT NULL THEN coalesce(sales.margin, 0) END AS margin,
    CASE WHEN computed.dt IS NOT NULL THEN coalesce(sales.orders, 0) END AS orders,
    CASE WHEN computed.dt IS NOT NULL THEN coalesce(sales.units, 0) END AS units
FROM days
LEFT JOIN computed ON computed.dt = days.dt
LEFT JOIN visits ON visits.dt = days.dt
LEFT JOIN sales ON sales.dt = days.dt
ORDER BY days.dt;

-- query movers: The entrances and products whose sales changed most.
WITH sales AS (
    SELECT 'entrance' AS kind, entrance_id AS key, revenue, dt BETWEEN $first AND $last AS is_now
    FROM attribution.entrance_daily
    WHERE dt BETWEEN $first AND $last OR dt BETWEEN $then_first AND $then_last
    UNION ALL
    SELECT 'product', product_id, revenue, dt BETWEEN $first AND $last
    FROM core.order_lines
    WHERE dt BETWEEN $first AND $last OR dt BETWEEN $then_first AND $then_last
), both_times AS (
    SELECT kind, key, coalesce(sum(revenue) FILTER (WHERE is_now), 0) AS revenue,
        coalesce(sum(revenue) FILTER (WHERE NOT is_now), 0) AS revenue_before
    FROM sales GROUP BY ALL
), ranked AS (
    SELECT kind, key, revenue, revenue_before, revenue - revenue_before AS difference,
        row_number() OVER (PARTITION BY kind ORDER BY abs(revenue - revenue_before) DESC, key) AS place
    FROM both_times
)
SELECT ranked.kind, ranked.key, coalesce(names.name, ranked.key) AS name, ranked.revenue, ranked.revenue_before,
    ranked.difference
FROM ranked LEFT JOIN products.names AS names ON ranked.kind = 'product' AND names.product_id = ranked.key
WHERE ranked.place <= 8
ORDER BY ranked.kind, ranked.place;
