-- Products that sell most | 销售额最高的商品
-- The products with the most revenue in the days up to the last computed day, with their refunds and how often a click led to an order. A product includes its variants. | 最近几天（截至最后一个有数据的日期）销售额最高的商品（含各规格），附退款与点击成交率。
-- $days = 7 | Days | 天数
-- $most = 50 | Products at most | 最多商品数
WITH days AS (
    SELECT max(dt) AS last_day FROM products.daily
)
SELECT
    daily.product_id,
    any_value(names.name) AS name,
    any_value(catalog.category) AS category,
    sum(daily.units) AS units,
    sum(daily.revenue) AS revenue,
    sum(daily.refunded) AS refunded,
    round(sum(daily.order_lines) / nullif(sum(daily.product_clicks), 0), 4) AS click_to_order_rate
FROM products.daily AS daily
CROSS JOIN days
LEFT JOIN products.names AS names ON names.product_id = daily.product_id
LEFT JOIN products.catalog AS catalog ON catalog.product_id = daily.product_id
WHERE daily.dt > last_day - $days
GROUP BY daily.product_id
ORDER BY revenue DESC, daily.product_id
LIMIT $most
