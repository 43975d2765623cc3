/* model
description: >
  The paths by day: those that led to paid orders, and those that were open at the end of the day. On the first later day
  on which the last touch of an open path is in a path again, because the person went on within the touch window or
  ordered, the path as it was counted before is taken back with −1. A path that stays without either is counted on, also
  if the person begins another one later. So the paths without an order as of the end of a day D, of the N days up to D,
  are the sum over the rows whose dt and counted_dt are both within these N days; the same rows give the orders.
grain: [dt, touchpoint_type, person_group, counted_dt, touchpoints, transformed_path]
partition: dt
reads: {attribution.paths: touch_window_days + max_payment_delay_days + 1}
columns:
  touchpoint_type: {type: VARCHAR, description: "entrance, slot, channel or campaign"}
  person_group: {type: INTEGER, description: as in attribution.paths}
  counted_dt: {type: DATE, description: "dt; where an open path is taken back, the day on which it was counted"}
  touchpoints: {type: VARCHAR, description: "the touches after the transforms, in the form 'a > b'; '(unattributed)' = none"}
  transformed_path: {type: VARCHAR, description: "as in attribution.touch_paths"}
  path_length: {type: INTEGER, description: touches in the path; 0 = none}
  orders: {type: BIGINT, description: paid orders with this path}
  order_lines: {type: BIGINT, description: their lines}
  non_conversions: {type: BIGINT, description: "open paths, minus those that are taken back"}
  revenue: {type: "DECIMAL(18,4)", description: "Σ revenue of the orders, reporting currency"}
  dt: {type: DATE, description: "business day: of payment for orders, else the day at whose end the path is open"}
*/
WITH paths AS (
    SELECT
        kind,
        path_id,
        person_group,
        touchpoint_type,
        COALESCE(touchpoints, '(unattributed)') AS touchpoints,
        transformed_path,
        path_length,
        person_id,
        began_at,
        ended_at,
        dt
    FROM attribution.paths
    WHERE dt BETWEEN $from_dt - ($touch_window_days + $max_payment_delay_days + 1) AND $to_dt
),

sold AS (
    SELECT
        order_id,
        dt,
        order_lines,
        revenue
    FROM core.paid_orders
    WHERE dt BETWEEN $from_dt AND $to_dt
),

continued AS (
    SELECT
        paths.path_id,
        paths.touchpoint_type,
        paths.dt AS counted_dt,
        MIN(later.dt) AS dt
    FROM paths
    INNER JOIN paths AS later
        ON
            later.person_id = paths.person_id
            AND later.touchpoint_type = paths.touchpoint_type
            AND later.dt > paths.dt
            AND later.began_at <= paths.ended_at
            AND later.ended_at >= paths.ended_at
    WHERE
        paths.kind = 'open'
        AND paths.dt < $to_dt
    GROUP BY paths.path_id, paths.touchpoint_type, paths.dt
    HAVING MIN(later.dt) BETWEEN $from_dt AND $to_dt
),

counted AS (
    SELECT
        paths.*,
        dt AS counted_dt,
        CASE kind WHEN 'order' THEN 1 ELSE 0 END AS orders,
        CASE kind WHEN 'open' THEN 1 ELSE 0 END AS non_conversions
    FROM paths
    WHERE dt BETWEEN $from_dt AND $to_dt
    UNION ALL
    SELECT
        paths.* EXCLUDE (dt),
        continued.dt,
        continued.counted_dt,
        0 AS orders,
        -1 AS non_conversions
    FROM continued
    INNER JOIN paths
        ON
            paths.kind = 'open'
            AND paths.path_id = continued.path_id
            AND paths.touchpoint_type = continued.touchpoint_type
            AND paths.dt = continued.counted_dt
)

SELECT
    counted.dt,
    counted.touchpoint_type,
    counted.person_group,
    counted.counted_dt,
    counted.touchpoints,
    counted.transformed_path,
    MIN(counted.path_length) AS path_length,
    CAST(SUM(counted.orders) AS BIGINT) AS orders,
    CAST(COALESCE(SUM(sold.order_lines), 0) AS BIGINT) AS order_lines,
    CAST(SUM(counted.non_conversions) AS BIGINT) AS non_conversions,
    CAST(COALESCE(SUM(sold.revenue), 0) AS DECIMAL(18, 4)) AS revenue
FROM counted
LEFT JOIN sold
    ON
        counted.kind = 'order'
        AND sold.order_id = counted.path_id
        AND sold.dt = counted.dt
GROUP BY
    counted.dt, counted.touchpoint_type, counted.person_group, counted.counted_dt, counted.touchpoints,
    counted.transformed_path
