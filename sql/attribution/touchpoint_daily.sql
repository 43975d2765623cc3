/* model
description: >
  The part of each touchpoint in the paths of the day's paid orders: whether it began them, closed them, assisted or was
  alone. An order counts at every touchpoint of its path, so do not add up the touchpoints.
grain: [dt, touchpoint_type, touchpoint]
partition: dt
columns:
  dt: {type: DATE, description: business day of payment}
  touchpoint_type: {type: VARCHAR, description: "entrance, slot, channel or campaign"}
  touchpoint: {type: VARCHAR, description: "as in attribution.touches; '(unattributed)' = orders without a touch"}
  orders_touched: {type: BIGINT, description: paid orders with the touchpoint in the path}
  first_touch_orders: {type: BIGINT, description: of these the orders whose path begins with it}
  last_touch_orders: {type: BIGINT, description: of these the orders whose path ends with it}
  assisted_orders: {type: BIGINT, description: of these the orders whose path has it before the end}
  sole_orders: {type: BIGINT, description: of these the orders whose path has no other touchpoint}
  assist_ratio: {type: DOUBLE, description: assisted_orders / last_touch_orders}
*/
WITH paths AS (
    SELECT
        dt,
        path_id,
        touchpoint_type,
        path_length
    FROM attribution.paths
    WHERE
        dt BETWEEN $from_dt AND $to_dt
        AND kind = 'order'
),

touched AS (
    SELECT
        touches.dt,
        touches.path_id,
        touches.touchpoint_type,
        touches.touchpoint,
        CASE WHEN MIN(touches.position) = 1 THEN 1 ELSE 0 END AS is_first,
        CASE WHEN MAX(touches.position) = MIN(paths.path_length) THEN 1 ELSE 0 END AS is_last,
        CASE WHEN MIN(touches.position) < MIN(paths.path_length) THEN 1 ELSE 0 END AS is_assisting,
        CASE WHEN COUNT(*) = MIN(paths.path_length) THEN 1 ELSE 0 END AS is_alone
    FROM attribution.path_touches AS touches
    INNER JOIN paths USING (dt, path_id, touchpoint_type)
    WHERE
        touches.dt BETWEEN $from_dt AND $to_dt
        AND touches.kind = 'order'
        AND touches.position IS NOT NULL
    GROUP BY touches.dt, touches.path_id, touches.touchpoint_type, touches.touchpoint
),

with_untouched AS (
    SELECT touched.*
    FROM touched
    UNION ALL
    SELECT
        dt,
        path_id,
        touchpoint_type,
        '(unattributed)' AS touchpoint,
        0 AS is_first,
        0 AS is_last,
        0 AS is_assisting,
        0 AS is_alone
    FROM paths
    WHERE path_length = 0
)

SELECT
    dt,
    touchpoint_type,
    touchpoint,
    COUNT(*) AS orders_touched,
    CAST(SUM(is_first) AS BIGINT) AS first_touch_orders,
    CAST(SUM(is_last) AS BIGINT) AS last_touch_orders,
    CAST(SUM(is_assisting) AS BIGINT) AS assisted_orders,
    CAST(SUM(is_alone) AS BIGINT) AS sole_orders,
    SUM(is_assisting) / NULLIF(CAST(SUM(is_last) AS DOUBLE), 0) AS assist_ratio
FROM with_untouched
GROUP BY dt, touchpoint_type, touchpoint
