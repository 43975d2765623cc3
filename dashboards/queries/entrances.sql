-- Entrances and their names.

-- query names: Display name of each entrance_id, from the configuration and from the data.
WITH named AS (
    SELECT entrance_id, min(name_zh) AS name_zh, min(name_en) AS name_en FROM core.entrances GROUP BY entrance_id
)
SELECT entrance_id, name_zh, name_en FROM named
UNION ALL
SELECT DISTINCT entrance_id, NULL, NULL
FROM attribution.entrance_daily
WHERE entrance_id NOT IN (SELECT entrance_id FROM named);

-- query entrances: Traffic and sales of each entrance.
SELECT entrance_id, METRICS(exposures, product_clicks, add_to_carts, orders, order_lines),
    METRICS(revenue, revenue_by_visit, net_revenue, refunded, margin, revenue_share),
    METRICS(click_through_rate, click_to_order_rate, revenue_per_mille),
    (
        SELECT sum(before.revenue) FROM attribution.entrance_daily AS before
        WHERE before.dt BETWEEN $then_first AND $then_last AND before.entrance_id = now.entrance_id
    ) AS revenue_before
FROM attribution.entrance_daily AS now
WHERE dt BETWEEN $first AND $last
GROUP BY entrance_id
QUALIFY $entrance = '' OR entrance_id = $entrance
ORDER BY sum(now.revenue) DESC, sum(now.exposures) DESC, entrance_id;

-- query total: Totals of all entrances, and of the paid orders.
WITH paid AS (
    SELECT METRICS(orders, revenue) FROM core.order_lines WHERE dt BETWEEN $first AND $last
), before AS (
    SELECT METRICS(revenue) FROM attribution.entrance_daily WHERE dt BETWEEN $then_first AND $then_last
), sums AS (
    SELECT METRICS(exposures, product_clicks, add_to_carts, order_lines, click_through_rate, click_to_order_rate),
        METRICS(revenue, revenue_by_visit, net_revenue, refunded, margin, revenue_share, revenue_per_mille)
    FROM attribution.entrance_daily WHERE dt BETWEEN $first AND $last
)
SELECT sums.*, paid.orders, paid.revenue AS paid, before.revenue AS revenue_before,
    coalesce(sums.revenue, 0) = coalesce(paid.revenue, 0) AS is_equal
FROM sums, paid, before;

-- query course: The entrances by day.
SELECT dt, entrance_id AS key, entrance_id, exposures, product_clicks, orders, revenue, net_revenue, margin,
    click_through_rate, click_to_order_rate, revenue_per_mille
FROM attribution.entrance_daily
WHERE dt BETWEEN $first AND $last
ORDER BY dt, revenue DESC;

-- query days: One entrance by day; days without traffic or sales have no row.
SELECT dt, exposures, product_clicks, orders, revenue, net_revenue, margin, click_through_rate, click_to_order_rate,
    revenue_per_mille
FROM attribution.entrance_daily
WHERE dt BETWEEN $from AND $to AND entrance_id = $entrance;

-- query hours: One entrance by hour of the day, over all these days; hours without traffic or sales have no row.
SELECT hour, METRICS(exposures, product_clicks, orders, revenue, net_revenue, margin),
    METRICS(click_through_rate, click_to_order_rate, revenue_per_mille)
FROM attribution.entrance_hourly
WHERE dt BETWEEN $from AND $to AND entrance_id = $entrance
GROUP BY hour;
