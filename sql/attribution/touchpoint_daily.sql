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
-- The model linear has a row for each touch of a line's path, and one for a line without touches.
WITH touches AS (
    SELECT
        dt,
        order_id,
        line_no,
        touchpoint_type,
        touchpoint,
        touch_event_id,
        position,
        MIN(line_no) OVER (PARTITION BY order_id) AS first_line_no,
        MAX(position) OVER (PARTITION BY order_id, touchpoint_type) AS path_length
    FROM attribution.touch_credits
    WHERE
        dt BETWEEN $from_dt AND $to_dt
        AND model = 'linear'
),

touched AS (
    SELECT
        dt,
        order_id,
        touchpoint_type,
        touchpoint,
        CASE WHEN MIN(position) = 1 AND COUNT(touch_event_id) > 0 THEN 1 ELSE 0 END AS is_first,
        CASE WHEN MAX(position) = MIN(path_length) AND COUNT(touch_event_id) > 0 THEN 1 ELSE 0 END AS is_last,
        CASE WHEN MIN(position) < MIN(path_length) THEN 1 ELSE 0 END AS is_assisting,
        CASE WHEN COUNT(touch_event_id) = MIN(path_length) THEN 1 ELSE 0 END AS is_alone
    FROM touches
    WHERE line_no = first_line_no
    GROUP BY dt, order_id, touchpoint_type, touchpoint
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
FROM touched
GROUP BY dt, touchpoint_type, touchpoint
