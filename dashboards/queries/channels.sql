-- Channels: their sessions, the sales that a model credits to them, their spend.

-- query names: Display names of the channels, in their configured order.
SELECT channel, name_zh, name_en FROM config.channels ORDER BY position;

-- query sessions: Sessions and visitors of each channel; channel '' is all of them.
SELECT coalesce(channel, '') AS channel, METRICS(sessions, session_visitors)
FROM core.sessions
WHERE dt BETWEEN $from AND $to
GROUP BY GROUPING SETS ((channel), ());

-- query results: Sales of each channel by a model, and spend; channel '' is all channels.
-- The ratios of channel '' are computed over the channels with spend only.
WITH sales AS (
    SELECT coalesce(touchpoint, '') AS channel, METRICS(orders, new_customers, revenue, net_revenue)
    FROM attribution.model_daily
    WHERE dt BETWEEN $from AND $to AND touchpoint_type = 'channel' AND model = $model
    GROUP BY GROUPING SETS ((touchpoint), ())
), costs AS (
    SELECT coalesce(channel, '') AS channel, METRICS(spend)
    FROM core.spend
    WHERE dt BETWEEN $from AND $to
    GROUP BY GROUPING SETS ((channel), ())
), both_sides AS (
    SELECT channel, coalesce(sales.orders, 0) AS orders, coalesce(sales.new_customers, 0) AS new_customers,
        coalesce(sales.revenue, 0) AS revenue, coalesce(sales.net_revenue, 0) AS net_revenue, costs.spend
    FROM sales FULL JOIN costs USING (channel)
), paid AS (
    SELECT coalesce(channel, '') AS channel, sum(revenue) AS paid_revenue, sum(orders) AS paid_orders,
        sum(new_customers) AS paid_new_customers
    FROM both_sides
    WHERE channel <> '' AND spend > 0
    GROUP BY GROUPING SETS ((channel), ())
)
SELECT both_sides.*, paid_revenue, CAST(new_customers AS DOUBLE) / nullif(orders, 0) AS new_customer_share,
    paid_revenue / nullif(CAST(spend AS DOUBLE), 0) AS roas, revenue / nullif(CAST(spend AS DOUBLE), 0) AS mer,
    CAST(spend AS DOUBLE) / nullif(paid_orders, 0) AS cost_per_order,
    CAST(spend AS DOUBLE) / nullif(paid_new_customers, 0) AS cost_per_new_customer
FROM both_sides
LEFT JOIN paid USING (channel)
ORDER BY revenue DESC, spend DESC NULLS LAST, channel;

-- query sales_days: Sales and spend of each channel by day, by a model.
SELECT dt, touchpoint AS key, orders, new_customers, revenue, net_revenue, spend, roas, cost_per_order,
    cost_per_new_customer
FROM attribution.model_daily
WHERE dt BETWEEN $from AND $to AND touchpoint_type = 'channel' AND model = $model
ORDER BY dt, revenue DESC;

-- query session_days: Sessions of each channel by day.
SELECT dt, channel AS key, METRICS(sessions, session_visitors)
FROM core.sessions
WHERE dt BETWEEN $from AND $to
GROUP BY dt, channel
ORDER BY dt, sessions DESC;

-- query sales_days_of_one: Sales and spend of a channel on each day with sales or spend of any channel, by a model.
WITH days AS (
    SELECT DISTINCT dt
    FROM attribution.model_daily
    WHERE dt BETWEEN $from AND $to AND touchpoint_type = 'channel' AND model = $model
)
SELECT days.dt, coalesce(own.orders, 0) AS orders, coalesce(own.new_customers, 0) AS new_customers,
    coalesce(own.revenue, 0) AS revenue, own.spend, own.roas, own.cost_per_order, own.cost_per_new_customer
FROM days
LEFT JOIN attribution.model_daily AS own
    ON own.dt = days.dt AND own.touchpoint_type = 'channel' AND own.model = $model AND own.touchpoint = $channel;

-- query session_days_of_one: Sessions of a channel by day.
SELECT dt, METRICS(sessions, session_visitors)
FROM core.sessions
WHERE dt BETWEEN $from AND $to AND channel = $channel
GROUP BY dt;

-- query parts: Sessions and sales of a channel by campaign, or by source and medium ($by = 'source').
WITH visits AS (
    SELECT session_id, CASE
            WHEN $by = 'campaign' THEN coalesce(campaign, '(not set)')
            ELSE concat(coalesce(source, '–'), ' / ', coalesce(medium, '–'))
        END AS part, person_id, dt
    FROM core.sessions
    WHERE channel = $channel
), traffic AS (
    SELECT part, count(*) AS sessions, count(DISTINCT person_id) AS session_visitors
    FROM visits
    WHERE dt BETWEEN $first AND $last
    GROUP BY part
), bought AS (
    SELECT lines.order_id, count(*) AS order_lines, count(first_orders.order_id) > 0 AS is_first
    FROM core.order_lines AS lines
    LEFT JOIN core.first_orders AS first_orders ON first_orders.order_id = lines.order_id
    WHERE lines.dt BETWEEN $first AND $last
    GROUP BY lines.order_id
), sales AS (
    SELECT visits.part, round(sum(credits.credit / nullif(bought.order_lines, 0)), 4) AS orders,
        round(coalesce(sum(credits.credit / nullif(bought.order_lines, 0)) FILTER (WHERE bought.is_first), 0), 4)
        AS new_customers,
        sum(credits.revenue_credit) AS revenue
    FROM attribution.touch_credits AS credits
    JOIN bought ON bought.order_id = credits.order_id
    JOIN visits ON visits.session_id = credits.touch_event_id
    WHERE credits.dt BETWEEN $first AND $last AND credits.touchpoint_type = 'channel' AND credits.model = $model
        AND credits.touchpoint = $channel
    GROUP BY visits.part
), costs AS (
    SELECT campaign AS part, METRICS(spend)
    FROM core.spend
    WHERE dt BETWEEN $first AND $last AND channel = $channel AND $by = 'campaign'
    GROUP BY campaign
), all_sides AS (
    SELECT part, coalesce(traffic.sessions, 0) AS sessions, coalesce(traffic.session_visitors, 0) AS session_visitors,
        coalesce(sales.orders, 0) AS orders, coalesce(sales.new_customers, 0) AS new_customers,
        coalesce(sales.revenue, 0) AS revenue, costs.spend
    FROM traffic FULL JOIN sales USING (part) FULL JOIN costs USING (part)
), paid AS (
    SELECT part, orders AS paid_orders, new_customers AS paid_new_customers, revenue AS paid_revenue
    FROM all_sides
    WHERE spend > 0
)
SELECT all_sides.*, CAST(new_customers AS DOUBLE) / nullif(orders, 0) AS new_customer_share,
    paid_revenue / nullif(CAST(spend AS DOUBLE), 0) AS roas,
    CAST(spend AS DOUBLE) / nullif(paid_orders, 0) AS cost_per_order,
    CAST(spend AS DOUBLE) / nullif(paid_new_customers, 0) AS cost_per_new_customer
FROM all_sides
LEFT JOIN paid USING (part)
ORDER BY revenue DESC, spend DESC NULLS LAST, sessions DESC, part;

-- query spend: Whether spend was landed at all, and how many costs of these days are unknown.
SELECT count(*) AS spend_rows,
    count(*) FILTER (WHERE cost IS NULL AND dt BETWEEN $first AND $last) AS unknown_costs
FROM core.spend;
