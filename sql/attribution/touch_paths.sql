/* model
description: >
  The touches of each order line as text, before and after the transforms in the settings. A line without a touch has
  a row too.
grain: [order_id, line_no, touchpoint_type]
partition: dt
detail: true
columns:
  order_id: {type: VARCHAR, description: "the shop's id of the order"}
  line_no: {type: INTEGER, description: line within the order}
  touchpoint_type: {type: VARCHAR, description: "entrance, slot, channel or campaign"}
  path: {type: VARCHAR, description: "all touches in order of time, joined by ' > '; '(unattributed)' = none"}
  transformed_path: {type: VARCHAR, description: "the touches that remain after the transforms, in the same form; with the transform frequency 'a(2) > b(1)'"}
  path_length: {type: INTEGER, description: touches in the transformed path; 0 = none}
  revenue: {type: "DECIMAL(18,4)", description: "revenue of the line, reporting currency"}
  dt: {type: DATE, description: business day of payment}
*/
WITH touches AS (
    SELECT
        order_id,
        touchpoint_type,
        STRING_AGG(touchpoint, ' > ' ORDER BY touch_no) AS path,
        dt
    FROM attribution.order_touches
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY order_id, touchpoint_type, dt
)

SELECT
    lines.order_id,
    lines.line_no,
    paths.touchpoint_type,
    COALESCE(touches.path, '(unattributed)') AS path,
    paths.transformed_path,
    paths.path_length,
    lines.revenue,
    lines.dt
FROM core.order_lines AS lines
INNER JOIN attribution.paths AS paths
    ON
        paths.path_id = lines.order_id
        AND paths.dt = lines.dt
LEFT JOIN touches
    ON
        touches.order_id = lines.order_id
        AND touches.touchpoint_type = paths.touchpoint_type
        AND touches.dt = lines.dt
WHERE
    lines.dt BETWEEN $from_dt AND $to_dt
    AND paths.dt BETWEEN $from_dt AND $to_dt
    AND paths.kind = 'order'
