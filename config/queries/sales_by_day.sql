-- Sales and conversion by day | 每日销售额与转化
-- Visitors, paid orders and sales of each day; the last one may not be over. | 每天的访客、付款订单与销售额；最后一天可能尚未结束。
SELECT
    traffic.dt,
    traffic.visitors,
    count(DISTINCT lines.order_id) AS orders,
    round(count(DISTINCT lines.order_id) / nullif(traffic.visitors, 0), 4) AS conversion_rate,
    coalesce(sum(lines.revenue), 0) AS revenue
FROM core.traffic_daily AS traffic
LEFT JOIN core.order_lines AS lines ON lines.dt = traffic.dt
GROUP BY traffic.dt, traffic.visitors
ORDER BY traffic.dt
