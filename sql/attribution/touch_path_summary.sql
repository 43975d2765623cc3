/* model
description: >
  The paths of the touch.effects_days days that end with dt: how often each led to an order, and how often to none.
grain: [dt, touchpoint_type, transformed_path]
partition: dt
as_of: true
reads: {attribution.touch_path_daily: touch_effects_days - 1}
columns:
  dt: {type: DATE, description: last of the days}
  touchpoint_type: {type: VARCHAR, description: "entrance, slot, channel or campaign"}
  transformed_path: {type: VARCHAR, description: "as in attribution.touch_paths; '(unattributed)' = orders without a touch"}
  path_length: {type: INTEGER, description: touches in the path; 0 = none}
  conversions: {type: BIGINT, description: order lines with this path}
  orders: {type: BIGINT, description: paid orders with this path}
  non_conversions: {type: BIGINT, description: "open paths, as of dt. A person who came again only after the touch window has several"}
  revenue: {type: "DECIMAL(18,4)", description: "Σ revenue of the order lines, reporting currency"}
  order_rate: {type: DOUBLE, description: "orders / (orders + non_conversions); null = orders without a touch, because persons without a touch or an order are not counted"}
*/
SELECT
    $dt AS dt,
    touchpoint_type,
    transformed_path,
    MIN(path_length) AS path_length,
    CAST(SUM(order_lines) AS BIGINT) AS conversions,
    CAST(SUM(orders) AS BIGINT) AS orders,
    CAST(SUM(non_conversions) AS BIGINT) AS non_conversions,
    CAST(SUM(revenue) AS DECIMAL(18, 4)) AS revenue,
    CASE
        WHEN MIN(path_length) > 0 THEN SUM(orders) / NULLIF(CAST(SUM(orders) + SUM(non_conversions) AS DOUBLE), 0)
    END AS order_rate
FROM attribution.touch_path_daily
WHERE
    dt BETWEEN $dt - ($touch_effects_days - 1) AND $dt
    AND DATE_DIFF('day', counted_dt, $dt) < $touch_effects_days
GROUP BY touchpoint_type, transformed_path
HAVING
    SUM(orders) <> 0
    OR SUM(non_conversions) <> 0
