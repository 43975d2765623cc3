-- Channels: spend and return | 各渠道花费与投产比
-- Orders, new customers, sales and spend of each channel in the 28 days up to the last computed day, by last touch. ROAS and costs are empty without spend. | 最近 28 天（截至最后一个有数据的日期）各渠道的订单、新客、销售额与投放花费，按末次触点归因；没有花费的渠道，投产比和成本为空。
WITH days AS (
    SELECT max(dt) AS last_day FROM attribution.model_daily
), sales AS (
    SELECT touchpoint AS channel, sum(orders) AS orders, sum(new_customers) AS new_customers, sum(revenue) AS revenue
    FROM attribution.model_daily, days
    WHERE dt > last_day - 28 AND touchpoint_type = 'channel' AND model = 'last'
    GROUP BY touchpoint
), spent AS (
    SELECT channel, CASE WHEN count(*) = count(cost) THEN sum(cost) END AS spend
    FROM core.spend, days
    WHERE dt > last_day - 28 AND dt <= last_day
    GROUP BY channel
), both_sides AS (
    SELECT channel, coalesce(sales.orders, 0) AS orders, coalesce(sales.new_customers, 0) AS new_customers,
        coalesce(sales.revenue, 0) AS revenue, spent.spend
    FROM sales FULL JOIN spent USING (channel)
), paid AS (
    SELECT channel, orders AS paid_orders, new_customers AS paid_new_customers, revenue AS paid_revenue
    FROM both_sides
    WHERE spend > 0
)
SELECT
    channel,
    round(orders, 2) AS orders,
    round(new_customers, 2) AS new_customers,
    revenue,
    spend,
    round(paid_revenue / nullif(spend, 0), 2) AS roas,
    round(spend / nullif(paid_orders, 0), 2) AS cost_per_order,
    round(spend / nullif(paid_new_customers, 0), 2) AS cost_per_new_customer
FROM both_sides
LEFT JOIN paid USING (channel)
ORDER BY revenue DESC, channel
