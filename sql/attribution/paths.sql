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
  person_group: {type: INTEGER, description: "0 to 63, from a hash of person_id; estimates of errors draw these groups"}
  transformed_path: {type: VARCHAR, description: "the touches that remain after the transforms, in the same form; with the transform frequency 'a(2) > b(1)'"}
  touchpoints: {type: VARCHAR, description: "the touches that remain, always in the form 'a > b'; null = none"}
  path_length: {type: INTEGER, description: touches that remain; 0 = none}
  first_touch_at: {type: TIMESTAMP, description: "time of the first touch that remains, UTC; null = none"}
  began_at: {type: TIMESTAMP, description: "time of the first of all touches, UTC; null = none"}
  ended_at: {type: TIMESTAMP, description: "time of the last of all touches, UTC; null = none"}
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

touches AS (
    SELECT
        dt,
        kind,
        path_id,
        touchpoint_type,
        touch_no,
        position,
        touchpoint,
        occurred_at,
        touchpoint || '(' || CAST(occurrences AS VARCHAR) || ')' AS with_count
    FROM attribution.path_touches
    WHERE dt BETWEEN $from_dt AND $to_dt
),

texts AS (
    SELECT
        dt,
        kind,
        path_id,
        touchpoint_type,
        STRING_AGG(CASE WHEN position IS NOT NULL THEN with_count END, ' > ' ORDER BY touch_no) AS with_counts,
        STRING_AGG(CASE WHEN position IS NOT NULL THEN touchpoint END, ' > ' ORDER BY touch_no) AS touchpoints,
        COUNT(position) AS path_length,
        MIN(CASE WHEN position IS NOT NULL THEN occurred_at END) AS first_touch_at,
        MIN(occurred_at) AS began_at,
        MAX(occurred_at) AS ended_at
    FROM touches
    GROUP BY dt, kind, path_id, touchpoint_type
),

expected AS (
    SELECT
        'order' AS kind,
        orders.order_id AS path_id,
        orders.user_id AS person_id,
        types.touchpoint_type,
        orders.ordered_at,
        orders.dt
    FROM orders
    CROSS JOIN types
    UNION ALL
    SELECT
        'open' AS kind,
        path_id,
        path_id AS person_id,
        touchpoint_type,
        NULL AS ordered_at,
        dt
    FROM texts
    WHERE kind = 'open'
),

hashed AS (
    SELECT
        expected.*,
        MD5(COALESCE(person_id, '')) AS hash
    FROM expected
)

SELECT
    hashed.* EXCLUDE (hash),
    CAST((
        (STRPOS('0123456789abcdef', SUBSTR(hash, 1, 1)) - 1) * 16 + STRPOS('0123456789abcdef', SUBSTR(hash, 2, 1)) - 1
    ) % 64 AS INTEGER) AS person_group,
    COALESCE(
        CASE $touch_transform WHEN 'frequency' THEN texts.with_counts ELSE texts.touchpoints END, '(unattributed)'
    ) AS transformed_path,
    texts.touchpoints,
    CAST(COALESCE(texts.path_length, 0) AS INTEGER) AS path_length,
    texts.first_touch_at,
    texts.began_at,
    texts.ended_at
FROM hashed
LEFT JOIN texts USING (dt, kind, path_id, touchpoint_type)
