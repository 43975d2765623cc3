-- Customers as of a day: all, a group, or a single one.

-- query users: Everyone who ordered up to the day.
SELECT user_id FROM core.orders WHERE dt <= $day AND user_id IS NOT NULL GROUP BY user_id;

-- query scored: The scores of a customer.
SELECT * FROM customers.rfm WHERE dt = $day AND user_id = $user;

-- query orders: The orders of a customer.
WITH sums AS (
    SELECT order_id, min(dt) AS paid_on, METRICS(order_lines, units, revenue, refunded, net_revenue)
    FROM core.order_lines WHERE user_id = $user GROUP BY order_id
)
SELECT orders.order_id, orders.dt AS ordered_on, orders.ordered_at, orders.status, sums.paid_on, sums.order_lines, sums.units,
    sums.revenue, sums.refunded, sums.net_revenue
FROM core.orders AS orders LEFT JOIN sums ON sums.order_id = orders.order_id
WHERE orders.user_id = $user AND orders.dt <= $day
ORDER BY orders.ordered_at DESC, orders.order_id;

-- query sessions: The sessions of a customer.
SELECT started_at, last_event_at, device_id, channel, campaign, page_type, page_views
FROM core.sessions WHERE person_id = $user AND dt <= $day
ORDER BY started_at DESC, session_id;

-- query refunds: The refunds of a customer.
SELECT order_id, refunded_at, sum(amount) AS amount
FROM core.refunds WHERE user_id = $user AND dt <= $day
GROUP BY order_id, refunded_at ORDER BY refunded_at DESC, order_id;

-- query segment_changes: The days on which a customer's segment differs from that in the snapshot before.
WITH kept AS (
    SELECT DISTINCT dt FROM customers.rfm WHERE dt <= $day
), own AS (
    SELECT dt, segment FROM customers.rfm WHERE user_id = $user
), every_day AS (
    SELECT kept.dt, own.segment, max(own.dt) OVER (ORDER BY kept.dt) AS seen_on,
        row_number() OVER (ORDER BY kept.dt) AS day_no
    FROM kept LEFT JOIN own ON own.dt = kept.dt
), named AS (
    SELECT dt, day_no,
        CASE WHEN segment IS NOT NULL THEN segment WHEN seen_on IS NULL THEN '(none)' ELSE '(left)' END AS segment
    FROM every_day
), beside_previous AS (
    SELECT dt, day_no, segment, lag(segment) OVER (ORDER BY dt) AS segment_before FROM named
)
SELECT dt, segment_before, segment FROM beside_previous
WHERE day_no > 1 AND segment <> segment_before
ORDER BY dt DESC;

-- query members: The customers of an octant or a segment, or all.
SELECT * FROM customers.rfm
WHERE dt = $day AND ($kind = 'all' OR CASE $kind WHEN 'octant' THEN octant ELSE segment END = $key)
ORDER BY monetary DESC, user_id;

-- query movers: The customers who were in one group on the earlier day and are in another now.
-- Those who left have their earlier values.
WITH now AS (
    SELECT *, CASE $kind WHEN 'octant' THEN octant ELSE segment END AS key FROM customers.rfm WHERE dt = $day
), earlier AS (
    SELECT *, CASE $kind WHEN 'octant' THEN octant ELSE segment END AS key FROM customers.rfm WHERE dt = $before
), moved AS (
    SELECT now.* FROM now LEFT JOIN earlier ON earlier.user_id = now.user_id
    WHERE now.key = $to AND coalesce(earlier.key, '(new)') = $from
    UNION ALL
    SELECT earlier.* FROM earlier LEFT JOIN now ON now.user_id = earlier.user_id
    WHERE $to = '(left)' AND now.user_id IS NULL AND earlier.key = $from
)
SELECT * FROM moved ORDER BY monetary DESC, user_id;

-- query last_visits: The day, platform and channel of each customer's last visit.
SELECT person_id AS user_id, max(dt) AS last_seen_on, arg_max(platform, dt) AS last_platform,
    arg_max(channel, dt) AS last_channel
FROM core.visitors WHERE dt <= $day AND person_id IN (SELECT unnest($users))
GROUP BY person_id;

-- query last_entrances: The entrance of each customer's latest paid order that has one.
SELECT person_id AS user_id, arg_max(entrance_id, (paid_at, revenue, line_no)) AS last_entrance
FROM attribution.attributed_sales
WHERE dt <= $day AND entrance_id <> '(unattributed)' AND person_id IN (SELECT unnest($users))
GROUP BY person_id;

-- query purchases: The last product that each customer bought, and the category on which the customer spent most.
WITH lines AS (
    SELECT lines.user_id, lines.product_id, lines.paid_at, lines.revenue, lines.line_no, products.category
    FROM core.order_lines AS lines LEFT JOIN core.products AS products ON products.sku = lines.sku
    WHERE lines.dt <= $day AND lines.user_id IN (SELECT unnest($users))
), last_products AS (
    SELECT user_id, arg_max(product_id, (paid_at, revenue, line_no)) AS product_id FROM lines GROUP BY user_id
), spent AS (
    SELECT user_id, category, sum(revenue) AS revenue FROM lines WHERE category IS NOT NULL GROUP BY ALL
), favourites AS (
    SELECT user_id, arg_max(category, (revenue, category)) AS category FROM spent GROUP BY user_id
)
SELECT last_products.user_id, coalesce(names.name, last_products.product_id) AS name, favourites.category
FROM last_products
LEFT JOIN favourites ON favourites.user_id = last_products.user_id
LEFT JOIN products.names AS names ON names.product_id = last_products.product_id;

-- query names: Names and advice of octants and segments.
SELECT 'octant' AS kind, key, name_zh, name_en, advice_zh, advice_en, code AS place
FROM config.octants
UNION ALL
SELECT 'segment', segment, name_zh, name_en, advice_zh, advice_en, CAST(1000 - position AS VARCHAR) FROM config.segments
ORDER BY place DESC;

-- query groups: The octants and segments that have customers.
SELECT *, CAST(net_revenue AS DOUBLE) / nullif(customers, 0) AS mean_monetary
FROM customers.rfm_daily
WHERE dt = $day AND customers > 0 ORDER BY revenue_share DESC NULLS LAST, key;

-- query thresholds: The thresholds of recency, frequency and monetary value.
SELECT axis, value FROM customers.rfm_thresholds WHERE dt = $day;

-- query migration: Number of customers that moved from one group to another.
SELECT from_key, to_key, customers AS members, net_revenue
FROM customers.rfm_migration
WHERE dt = $day AND kind = $kind
ORDER BY customers DESC, from_key, to_key;

-- query coverage: How many order lines the scores exclude, and their sales.
SELECT * FROM customers.sales_coverage WHERE dt = $day;

-- query scores: Number of customers and their mean net sales, by scores.
SELECT r_score, f_score, count(*) AS customers, avg(CAST(monetary AS DOUBLE)) AS monetary
FROM customers.rfm WHERE dt = $day GROUP BY ALL ORDER BY ALL;

-- query stages: Customers by lifecycle stage, now and some days earlier.
SELECT now.stage, now.customers, now.revenue, before.customers AS before
FROM customers.lifecycle_daily AS now
LEFT JOIN customers.lifecycle_daily AS before ON before.stage = now.stage AND before.dt = $day - $back
WHERE now.dt = $day;

-- query cohorts: Cohorts up to the day; null in months that are not over.
WITH months AS (
    SELECT *, CAST(cohort_month + to_months(months_since + 1) AS DATE) <= $day + 1 AS is_over
    FROM customers.cohorts
    WHERE cohort_month + to_months(months_since) <= $day
)
SELECT cohort_month, months_since, customers, CASE WHEN is_over THEN retained END AS retained,
    CASE WHEN is_over THEN retention_rate END AS retention_rate
FROM months
WHERE cohort_month < date_trunc('month', $day) OR NOT (SELECT max(dt) > $day FROM core.order_lines)
ORDER BY ALL;

-- query pareto: Cumulative shares, best decile first.
SELECT * FROM customers.pareto WHERE dt = $day ORDER BY kind, decile;
