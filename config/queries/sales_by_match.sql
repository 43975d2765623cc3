-- Sales by match type | 各匹配方式的销售额
-- What matched each order line to an entrance, in the seven days up to the last computed day. cart, click: the buyer added the product to the cart or clicked it. order: another line of the same order was matched. visit: only the buyer's latest entrance visit. none: nothing. | 最近七天（截至最后一个有数据的日期）每条子订单凭什么归到入口。cart、click：买家加购或点击过这件商品；order：取自同一订单的另一条子订单；visit：仅凭买家最近一次入口访问；none：没有匹配到，未归因。
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
