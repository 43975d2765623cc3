-- Sales by entrance | 各入口销售额
-- The sales credited to each entrance in the seven days up to the last computed day, and how often its products were clicked. | 最近七天（截至最后一个有数据的日期）归因到各入口的销售额，以及商品曝光与点击。
WITH days AS (
    SELECT max(dt) AS last_day FROM attribution.entrance_daily
)
SELECT
    entrance_id,
    sum(exposures) AS exposures,
    sum(product_clicks) AS product_clicks,
    round(sum(product_clicks) / nullif(sum(exposures), 0), 4) AS click_through_rate,
    sum(order_lines) AS order_lines,
    sum(revenue) AS revenue,
    sum(revenue_by_visit) AS revenue_by_visit,
    sum(margin) AS margin
FROM attribution.entrance_daily, days
WHERE dt > last_day - 7
GROUP BY entrance_id
ORDER BY revenue DESC NULLS LAST
