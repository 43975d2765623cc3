-- The output of `headwater demo`.

-- query last_day: The last day with sales.
SELECT max(dt) AS last_day FROM core.order_lines;

-- query entrances: The entrances on the day.
WITH names AS (
    SELECT DISTINCT entrance_id, name_zh FROM core.entrances
)
SELECT daily.entrance_id AS entrance, names.name_zh AS 名称, exposures, product_clicks, add_to_carts AS carts,
    order_lines AS lines, CAST(revenue AS DECIMAL(18, 2)) AS revenue, CAST(margin AS DECIMAL(18, 2)) AS margin,
    printf('%.2f%%', 100 * click_through_rate) AS "click-through",
    printf('%.2f%%', 100 * click_to_order_rate) AS "click-to-order",
    CAST(revenue_per_mille AS DECIMAL(18, 2)) AS "revenue/1000 exposures"
FROM attribution.entrance_daily AS daily LEFT JOIN names ON names.entrance_id = daily.entrance_id
WHERE dt = $day ORDER BY revenue DESC, exposures DESC;

-- query sales: The entrances' sales, and the sales of the paid orders.
SELECT (SELECT sum(revenue) FROM attribution.entrance_daily WHERE dt = $day) AS entrances,
    (SELECT sum(revenue) FROM core.order_lines WHERE dt = $day) AS paid_orders;

-- query average: The mean sales and orders of a day.
SELECT SUM(revenue) / NULLIF(COUNT(DISTINCT dt), 0) AS revenue,
    COUNT(DISTINCT order_id) / NULLIF(COUNT(DISTINCT dt), 0) AS orders
FROM core.order_lines;
