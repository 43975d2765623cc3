/* model
description: >
  The touches of each order line as text, before and after the transforms in the settings. A line without a touch has
  a row too.
grain: [order_id, line_no, touchpoint_type]
partition: dt
columns:
  order_id: {type: VARCHAR, description: "the shop's id of the order"}
  line_no: {type: INTEGER, description: line within the order}
  touchpoint_type: {type: VARCHAR, description: always entrance}
  path: {type: VARCHAR, description: "all touches in order of time, joined by ' > '; '(unattributed)' = none"}
  transformed_path: {type: VARCHAR, description: "the touches that remain after the transforms, in the same form; with the transform frequency 'a(2) > b(1)'"}
  path_length: {type: INTEGER, description: touches in the transformed path; 0 = none}
  revenue: {type: "DECIMAL(18,4)", description: "revenue of the line, reporting currency"}
  dt: {type: DATE, description: business day of payment}
*/
WITH lines AS (
    SELECT
        order_id,
        line_no,
        revenue,
        dt
    FROM core.order_lines
    WHERE dt BETWEEN $from_dt AND $to_dt
),

types AS (
    SELECT touchpoint_type
    FROM UNNEST(['entrance']) AS known(touchpoint_type)
),

touches AS (
    SELECT
        order_id,
        touchpoint_type,
        touch_no,
        position,
        touchpoint,
        CASE $touch_transform
            WHEN 'frequency' THEN touchpoint || '(' || CAST(occurrences AS VARCHAR) || ')'
            ELSE touchpoint
        END AS transformed
    FROM attribution.order_touches
    WHERE dt BETWEEN $from_dt AND $to_dt
),

paths AS (
    SELECT
        order_id,
        touchpoint_type,
        STRING_AGG(touchpoint, ' > ' ORDER BY touch_no) AS path,
        STRING_AGG(CASE WHEN position IS NOT NULL THEN transformed END, ' > ' ORDER BY touch_no) AS transformed_path,
        COUNT(position) AS path_length
    FROM touches
    GROUP BY order_id, touchpoint_type
)

SELECT
    lines.*,
    types.touchpoint_type,
    COALESCE(paths.path, '(unattributed)') AS path,
    COALESCE(paths.transformed_path, '(unattributed)') AS transformed_path,
    CAST(COALESCE(paths.path_length, 0) AS INTEGER) AS path_length
FROM lines
CROSS JOIN types
LEFT JOIN paths USING (order_id, touchpoint_type)
