/* model
description: >
  How long and in how many touches the day's paid orders came about. Orders without a touch are left out; they are in
  attribution.touchpoint_daily as '(unattributed)'.
grain: [dt, touchpoint_type, path_length, days_to_order]
partition: dt
columns:
  dt: {type: DATE, description: business day of payment}
  touchpoint_type: {type: VARCHAR, description: "entrance, slot, channel or campaign"}
  path_length: {type: INTEGER, description: touches in the path after the transforms}
  days_to_order: {type: INTEGER, description: "whole days (24 hours) from the first touch to the order"}
  orders: {type: BIGINT, description: paid orders}
  order_lines: {type: BIGINT, description: lines of these orders}
  revenue: {type: "DECIMAL(18,4)", description: "Σ revenue of these orders, reporting currency"}
*/
WITH sold AS (
    SELECT
        order_id,
        dt,
        order_lines,
        revenue
    FROM core.paid_orders
    WHERE dt BETWEEN $from_dt AND $to_dt
),

paths AS (
    SELECT
        dt,
        path_id,
        touchpoint_type,
        path_length,
        -- Because clocks differ, the first touch may be up to clock_tolerance_seconds after the order.
        CAST(FLOOR(
            GREATEST(DATE_DIFF('microsecond', first_touch_at, ordered_at), 0) / CAST(86400000000 AS DOUBLE)
        ) AS INTEGER) AS days_to_order
    FROM attribution.paths
    WHERE
        dt BETWEEN $from_dt AND $to_dt
        AND kind = 'order'
        AND path_length > 0
)

SELECT
    paths.dt,
    paths.touchpoint_type,
    paths.path_length,
    paths.days_to_order,
    COUNT(*) AS orders,
    CAST(SUM(sold.order_lines) AS BIGINT) AS order_lines,
    CAST(SUM(sold.revenue) AS DECIMAL(18, 4)) AS revenue
FROM paths
INNER JOIN sold
    ON
        sold.order_id = paths.path_id
        AND sold.dt = paths.dt
GROUP BY paths.dt, paths.touchpoint_type, paths.path_length, paths.days_to_order
