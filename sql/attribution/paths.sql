/* model
description: >
  The paths of attribution.path_touches as text. A paid order without touches has a row too.
grain: [dt, kind, path_id, touchpoint_type]
partition: dt
columns:
  kind: {type: VARCHAR, description: "order or open, as in attribution.path_touches"}
  path_id: {type: VARCHAR, description: order_id of the paid order; person_id of the open path}
  person_id: {type: VARCHAR, description: person whose touches they are; null = an order without a known user}
  touchpoint_type: {type: VARCHAR, description: "entrance, slot, channel or campaign"}
  path: {type: VARCHAR, description: "all touches in order of time, joined by ' > '; '(unattributed)' = none"}
  transformed_path: {type: VARCHAR, description: "the touches that remain after the transforms, in the same form; with the transform frequency 'a(2) > b(1)'"}
  touchpoints: {type: VARCHAR, description: "the touches that remain, always in the form 'a > b'; null = none"}
  distinct_touchpoints: {type: VARCHAR, description: "their touchpoints, each once and sorted, joined by ' > '; null = none"}
  path_length: {type: INTEGER, description: touches that remain; 0 = none}
  last_touch_event_id: {type: VARCHAR, description: "touch_event_id of the last of all touches, also if a transform removed it; null = none"}
  first_touch_at: {type: TIMESTAMP, description: "time of the first touch that remains, UTC; null = none"}
  ordered_at: {type: TIMESTAMP, description: "time of ordering, UTC; null = an open path"}
  dt: {type: DATE, description: as in attribution.path_touches}
*/
WITH orders AS (
    SELECT
        order_id,
        MIN(user_id) AS user_id,
        MIN(ordered_at) AS ordered_at,
        dt
    FROM core.order_lines
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY order_id, dt
),

types AS (
    SELECT DISTINCT touchpoint_type
    FROM attribution.touch_models
),

expected AS (
    SELECT
        'order' AS kind,
        order_id AS path_id,
        user_id AS person_id,
        touchpoint_type,
        ordered_at,
        dt
    FROM orders
    CROSS JOIN types
    UNION ALL
    SELECT DISTINCT
        kind,
        path_id,
        path_id AS person_id,
        touchpoint_type,
        NULL AS ordered_at,
        dt
    FROM attribution.path_touches
    WHERE
        dt BETWEEN $from_dt AND $to_dt
        AND kind = 'open'
),

touches AS (
    SELECT
        dt,
        kind,
        path_id,
        touchpoint_type,
        touch_no,
        position,
        touch_event_id,
        touchpoint,
        occurred_at,
        COUNT(*) OVER (PARTITION BY dt, kind, path_id, touchpoint_type) AS touches,
        CASE $touch_transform
            WHEN 'frequency' THEN touchpoint || '(' || CAST(occurrences AS VARCHAR) || ')'
            ELSE touchpoint
        END AS transformed,
        ROW_NUMBER() OVER (
            PARTITION BY dt, kind, path_id, touchpoint_type, touchpoint
            ORDER BY position NULLS LAST
        ) AS occurrence_no
    FROM attribution.path_touches
    WHERE dt BETWEEN $from_dt AND $to_dt
),

texts AS (
    SELECT
        dt,
        kind,
        path_id,
        touchpoint_type,
        STRING_AGG(touchpoint, ' > ' ORDER BY touch_no) AS path,
        STRING_AGG(CASE WHEN position IS NOT NULL THEN transformed END, ' > ' ORDER BY touch_no) AS transformed_path,
        STRING_AGG(CASE WHEN position IS NOT NULL THEN touchpoint END, ' > ' ORDER BY touch_no) AS touchpoints,
        STRING_AGG(
            CASE WHEN position IS NOT NULL AND occurrence_no = 1 THEN touchpoint END, ' > ' ORDER BY touchpoint
        ) AS distinct_touchpoints,
        COUNT(position) AS path_length,
        MAX(CASE WHEN touch_no = touches THEN touch_event_id END) AS last_touch_event_id,
        MIN(CASE WHEN position IS NOT NULL THEN occurred_at END) AS first_touch_at
    FROM touches
    GROUP BY dt, kind, path_id, touchpoint_type
)

SELECT
    expected.*,
    COALESCE(texts.path, '(unattributed)') AS path,
    COALESCE(texts.transformed_path, '(unattributed)') AS transformed_path,
    texts.touchpoints,
    texts.distinct_touchpoints,
    CAST(COALESCE(texts.path_length, 0) AS INTEGER) AS path_length,
    texts.last_touch_event_id,
    texts.first_touch_at
FROM expected
LEFT JOIN texts USING (dt, kind, path_id, touchpoint_type)
