/* model
description: >
  The input of the lifetime value models: each customer's purchases as of the end of the month. All paid orders
  of one day count as one purchase.
grain: [dt, user_id]
partition: dt
as_of: month_end
reads: {core.order_lines: lifecycle_history_days - 1}
columns:
  dt: {type: DATE, description: last day of the month}
  user_id: {type: VARCHAR, description: "customer with a paid order in the last history_days (setting lifecycle)"}
  frequency: {type: INTEGER, description: purchases after the first one}
  recency_days: {type: INTEGER, description: days from the first purchase to the last}
  age_days: {type: INTEGER, description: days from the first purchase to dt}
  mean_value: {type: DOUBLE, description: "mean net revenue of the purchases after the first one, reporting currency; null if there is none"}
*/
WITH purchases AS (
    SELECT
        user_id,
        dt,
        SUM(net_revenue) AS net_revenue
    FROM core.order_lines
    WHERE
        dt BETWEEN $dt - ($lifecycle_history_days - 1) AND $dt
        AND user_id IS NOT NULL
    GROUP BY user_id, dt
),

firsts AS (
    SELECT
        user_id,
        MIN(dt) AS first_day
    FROM purchases
    GROUP BY user_id
)

SELECT
    $dt AS dt,
    purchases.user_id,
    CAST(COUNT(*) - 1 AS INTEGER) AS frequency,
    CAST(DATE_DIFF('day', firsts.first_day, MAX(purchases.dt)) AS INTEGER) AS recency_days,
    CAST(DATE_DIFF('day', firsts.first_day, $dt) AS INTEGER) AS age_days,
    CAST(SUM(purchases.net_revenue) FILTER (WHERE purchases.dt > firsts.first_day) AS DOUBLE)
    / NULLIF(COUNT(*) - 1, 0) AS mean_value
FROM purchases
INNER JOIN firsts ON firsts.user_id = purchases.user_id
GROUP BY purchases.user_id, firsts.first_day
