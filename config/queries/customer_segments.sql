-- Customers and sales by segment | 各分群的客户数与消费额
-- How many customers each segment has on the latest day, and what they spent. | 最后一个有数据的日期，各分群的客户数、净销售额及其占比。
SELECT
    names.name_zh,
    names.name_en,
    daily.customers,
    daily.customer_share,
    daily.net_revenue,
    daily.revenue_share,
    daily.average_order_value,
    daily.average_recency_days
FROM customers.rfm_daily AS daily
JOIN config.segments AS names ON names.segment = daily.key
WHERE daily.kind = 'segment' AND daily.dt = (SELECT max(dt) FROM customers.rfm_daily)
ORDER BY names.position
