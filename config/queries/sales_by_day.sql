-- Sales and conversion by day | 每日销售额与支付转化率
-- Visitors, buyers, sales and their ratios on each day. Do not add up the visitors of several days: a person who comes on two days is one visitor. | 每天的访客数、支付买家数、销售额及其比率；各天的访客数不可相加：同一个人多天来访，合计时只算一位访客。
WITH sales AS (
    SELECT dt, count(DISTINCT user_id) AS buyers, count(DISTINCT order_id) AS orders, sum(revenue) AS revenue,
        sum(revenue) FILTER (WHERE user_id IS NOT NULL) AS buyers_revenue
    FROM core.order_lines
    GROUP BY dt
), visitors AS (
    SELECT dt, count(*) AS visitors FROM core.visitors GROUP BY dt
)
SELECT
    dt,
    visitors.visitors,
    coalesce(sales.buyers, 0) AS buyers,
    coalesce(sales.orders, 0) AS orders,
    coalesce(sales.revenue, 0) AS revenue,
    round(coalesce(sales.buyers, 0) / nullif(visitors.visitors, 0), 4) AS visitor_conversion_rate,
    round(sales.buyers_revenue / nullif(sales.buyers, 0), 2) AS revenue_per_buyer,
    round(sales.revenue / nullif(sales.orders, 0), 2) AS average_order_value
FROM visitors FULL JOIN sales USING (dt)
ORDER BY dt
