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

-- query slot_movers: The slots whose sales changed most.
WITH both_times AS (
    SELECT entrance_id, head_page_type, head_module, head_slot,
        coalesce(sum(revenue) FILTER (WHERE dt BETWEEN $first AND $last), 0) AS revenue,
        coalesce(sum(revenue) FILTER (WHERE dt BETWEEN $then_first AND $then_last), 0) AS revenue_before
    FROM attribution.slot_daily
    WHERE head_slot > 0 AND (dt BETWEEN $first AND $last OR dt BETWEEN $then_first AND $then_last)
    GROUP BY ALL
)
SELECT *, revenue - revenue_before AS difference
FROM both_times
WHERE revenue <> 0 OR revenue_before <> 0
ORDER BY abs(difference) DESC, entrance_id, head_page_type, head_module, head_slot
LIMIT 8;

-- query contents: Slots whose content changed on these days.
-- The content of a day is the one with the most impressions.
WITH shown AS (
    SELECT dt, entrance_id, head_page_type, head_module, head_slot, head_content_id, impressions
    FROM attribution.slot_daily
    WHERE dt BETWEEN $first - 60 AND $last
        AND head_slot > 0 AND head_content_id <> '(none)' AND impressions > 0
        AND NOT regexp_matches(head_content_id, $tests)
    QUALIFY row_number() OVER (
        PARTITION BY dt, entrance_id, head_page_type, head_module, head_slot ORDER BY impressions DESC, head_content_id
    ) = 1
), compared AS (
    SELECT *, lag(head_content_id) OVER (
            PARTITION BY entrance_id, head_page_type, head_module, head_slot ORDER BY dt
        ) AS content_before
    FROM shown
)
SELECT entrance_id, head_page_type, head_module, head_slot, dt AS first_day, head_content_id AS content, content_before
FROM compared
WHERE dt BETWEEN $first AND $last AND content_before IS NOT NULL AND content_before <> head_content_id
ORDER BY first_day DESC, impressions DESC, entrance_id, head_page_type, head_module, head_slot;

-- query quiet_products: New products that were launched some days ago and have not sold anything since.
SELECT catalog.product_id, coalesce(names.name, catalog.product_id) AS name, catalog.launched_on,
    $day - catalog.launched_on AS days_since_launch,
    coalesce(CAST(sum(daily.exposures) AS BIGINT), 0) AS exposures
FROM products.catalog AS catalog
LEFT JOIN products.names AS names ON names.product_id = catalog.product_id
LEFT JOIN products.daily AS daily
    ON daily.product_id = catalog.product_id AND daily.dt BETWEEN catalog.launched_on AND $day
WHERE catalog.launched_on BETWEEN $day - $days AND $day - $quiet
GROUP BY ALL
HAVING coalesce(sum(daily.units), 0) = 0
ORDER BY exposures DESC, catalog.product_id;
