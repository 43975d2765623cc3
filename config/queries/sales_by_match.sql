-- Sales by match | 按匹配方式的销售额
-- How the order lines of the last seven computed days were matched to an entrance: by an add-to-cart (cart) or click of the product, by the match of another line of the order (order), or only by the buyer's latest entrance visit (visit). | 最近七个有数据的日子内，子订单靠什么找到入口：加购与点击是这件商品的事件，同单取自订单的另一行，访问仅凭买家最近一次入口访问。
WITH days AS (
    SELECT max(dt) AS last_day FROM attribution.attributed_sales
)
SELECT
    matched_by,
    count(*) AS order_lines,
    count(DISTINCT order_id) AS orders,
    sum(revenue) AS revenue,
    round(sum(revenue) / nullif(sum(sum(revenue)) OVER (), 0), 4) AS revenue_share,
    sum(net_revenue) AS net_revenue
FROM attribution.attributed_sales, days
WHERE dt > last_day - 7
GROUP BY matched_by
ORDER BY list_position(['cart', 'click', 'order', 'visit', 'none'], matched_by)
