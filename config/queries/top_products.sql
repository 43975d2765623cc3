-- Products that sell most | 销售额最高的商品
-- The first fifty of the last seven computed days, with refunds and how often a click became an order. | 最近七个已计算日的前五十个商品，含退款与点击成交率。
WITH days AS (
    SELECT max(dt) AS last_day FROM products.daily
)
SELECT
    daily.sku,
    any_value(products.name) AS name,
    any_value(products.category) AS category,
    sum(daily.units) AS units,
    sum(daily.revenue) AS revenue,
    sum(daily.refunded) AS refunded,
    round(sum(daily.order_lines) / nullif(sum(daily.product_clicks), 0), 4) AS click_to_order_rate
FROM products.daily AS daily
CROSS JOIN days
LEFT JOIN core.products AS products ON products.sku = daily.sku
WHERE daily.dt > last_day - 7
GROUP BY daily.sku
ORDER BY revenue DESC, daily.sku
LIMIT 50
