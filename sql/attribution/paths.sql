/* model
description: >
  The paths of persons as text. The path of a paid order has the touches of attribution.order_touches; an order without
  touches has a row too. An open path has the touches of a person that no order has followed yet, of the day and the
  touch_window_days before it; it is here on each day on which the person had a touch of the type or a paid order. The
  transforms in the settings decide which touches remain.
grain: [dt, kind, path_id, touchpoint_type]
partition: dt
detail: true
reads:
  attribution.touches: touch_window_days
  core.paid_orders: touch_window_days + max_payment_delay_days + 1
columns:
  kind: {type: VARCHAR, description: "order: the path of a paid order; open: the path of a person that has not led to an order yet"}
  path_id: {type: VARCHAR, description: order_id of the paid order; person_id of the open path}
  person_id: {type: VARCHAR, description: person whose touches they are; null = an order without a known user}
  touchpoint_type: {type: VARCHAR, description: "entrance, slot, channel or campaign"}
  person_group: {type: INTEGER, description: "0 to 63, from a hash of person_id; estimates of errors draw these groups"}
  transformed_path: {type: VARCHAR, description: "the touches that remain after the transforms, in the same form; with the transform frequency 'a(2) > b(1)'"}
  touchpoints: {type: VARCHAR, description: "the touches that remain, always in the form 'a > b'; null = none"}
  path_length: {type: INTEGER, description: touches that remain; 0 = none}
  remaining: {type: VARCHAR, description: "of an order, a character for each touch by its touch_no: 1 = it remains, 0 = a transform removed it; null = no touches, or an open path"}
  first_touch_at: {type: TIMESTAMP, description: "time of the first touch that remains, UTC; null = none"}
  began_at: {type: TIMESTAMP, description: "time of the first of all touches, UTC; null = none"}
  ended_at: {type: TIMESTAMP, description: "time of the last of all touches, UTC; null = none"}
  ordered_at: {type: TIMESTAMP, description: "time of ordering, UTC; null = an open path"}
  dt: {type: DATE, description: "business day: of payment for an order, else the day at whose end the path is open"}
*/
WITH orders AS (
    SELECT
        order_id,
        dt,
        user_id AS person_id,
        ordered_at,
        LEAST(ordered_at, paid_at) + $clock_tolerance_seconds * INTERVAL '1' SECOND AS touched_until
    FROM core.paid_orders
    WHERE dt BETWEEN $from_dt - ($touch_window_days + $max_payment_delay_days + 1) AND $to_dt
),

types AS (
    SELECT DISTINCT touchpoint_type
    FROM attribution.touch_models
),

orders_of_days AS (
    SELECT
        orders.*,
        types.touchpoint_type
    FROM orders
    CROSS JOIN types
    WHERE orders.dt BETWEEN $from_dt AND $to_dt
),

touches AS (
    SELECT
        person_id,
        touch_event_id,
        touchpoint_type,
        touchpoint,
        occurred_at,
        dt
    FROM attribution.touches
    WHERE dt BETWEEN $from_dt - $touch_window_days AND $to_dt
),

-- A touch of one type does not go on with the path of another.
active_days AS (
    SELECT
        person_id,
        touchpoint_type,
        dt
    FROM touches
    WHERE dt BETWEEN $from_dt AND $to_dt
    UNION DISTINCT
    SELECT
        person_id,
        touchpoint_type,
        dt
    FROM orders_of_days
    WHERE person_id IS NOT NULL
),

-- Touches up to a person's last order have led to it, so they are in no open path.
since_the_last_order AS (
    SELECT
        active_days.person_id,
        active_days.touchpoint_type,
        active_days.dt,
        COALESCE(MAX(orders.touched_until), TIMESTAMP '1900-01-01 00:00:00') AS touched_after
    FROM active_days
    LEFT JOIN orders
        ON
            orders.person_id = active_days.person_id
            AND orders.dt <= active_days.dt
    GROUP BY active_days.person_id, active_days.touchpoint_type, active_days.dt
),

path_touches AS (
    SELECT
        orders.dt,
        'order' AS kind,
        orders.order_id AS path_id,
        orders.touchpoint_type,
        touches.touch_event_id,
        touches.touchpoint,
        touches.occurred_at
    FROM orders_of_days AS orders
    LEFT JOIN attribution.order_touches AS touches
        ON
            touches.dt = orders.dt
            AND touches.order_id = orders.order_id
            AND touches.touchpoint_type = orders.touchpoint_type
            AND touches.dt BETWEEN $from_dt AND $to_dt
    UNION ALL
    SELECT
        days.dt,
        'open' AS kind,
        days.person_id AS path_id,
        days.touchpoint_type,
        touches.touch_event_id,
        touches.touchpoint,
        touches.occurred_at
    FROM touches
    INNER JOIN since_the_last_order AS days
        ON
            days.person_id = touches.person_id
            AND days.touchpoint_type = touches.touchpoint_type
            AND touches.occurred_at > days.touched_after
            AND touches.dt <= days.dt
            AND DATE_DIFF('day', touches.dt, days.dt) <= $touch_window_days
),

beside_others AS (
    SELECT
        path_touches.*,
        COUNT(CASE WHEN NOT touchpoint IN ($touch_remove_if_not_all) THEN 1 END) OVER (
            PARTITION BY dt, kind, path_id, touchpoint_type
        ) AS others
    FROM path_touches
),

until_the_last AS (
    SELECT
        beside_others.*,
        COUNT(
            CASE
                WHEN
                    (others = 0 OR NOT touchpoint IN ($touch_remove_if_not_all))
                    AND NOT touchpoint IN ($touch_remove_if_last_and_not_all)
                    THEN 1
            END
        ) OVER (
            PARTITION BY dt, kind, path_id, touchpoint_type
            ORDER BY occurred_at, touch_event_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS others_so_far
    FROM beside_others
),

with_last AS (
    SELECT
        until_the_last.*,
        MAX(others_so_far) OVER (PARTITION BY dt, kind, path_id, touchpoint_type) AS others_at_the_end
    FROM until_the_last
),

-- remove_if_not_all: the touchpoints that it names, unless the path has no others. Then remove_if_last_and_not_all: its
-- touchpoints at the end of what is left, unless that has no others. Without names, DuckDB plans nothing of this.
removed AS (
    SELECT
        dt,
        kind,
        path_id,
        touchpoint_type,
        touch_event_id
    FROM with_last
    WHERE
        (touchpoint IN ($touch_remove_if_not_all) AND others > 0)
        OR (
            touchpoint IN ($touch_remove_if_last_and_not_all)
            AND others_so_far = others_at_the_end
            AND others_at_the_end > 0
        )
),

remaining AS (
    SELECT
        path_touches.*,
        CASE WHEN removed.touch_event_id IS NULL THEN path_touches.touchpoint END AS remains
    FROM path_touches
    LEFT JOIN removed
        ON
            removed.dt = path_touches.dt
            AND removed.kind = path_touches.kind
            AND removed.path_id = path_touches.path_id
            AND removed.touchpoint_type = path_touches.touchpoint_type
            AND removed.touch_event_id = path_touches.touch_event_id
),

-- Without a transform that needs it, DuckDB computes none of these columns.
repeated AS (
    SELECT
        remaining.*,
        LAST_VALUE(remains IGNORE NULLS) OVER (
            PARTITION BY dt, kind, path_id, touchpoint_type
            ORDER BY occurred_at, touch_event_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS remains_before,
        ROW_NUMBER() OVER (
            PARTITION BY dt, kind, path_id, touchpoint_type, remains
            ORDER BY occurred_at, touch_event_id
        ) AS occurrence_no,
        COUNT(*) OVER (
            PARTITION BY dt, kind, path_id, touchpoint_type, remains
        ) AS occurrences
    FROM remaining
),

transformed AS (
    SELECT
        repeated.*,
        remains IS NOT NULL
        AND CASE $touch_transform
            WHEN 'unique' THEN TRUE
            WHEN 'exposure' THEN remains <> COALESCE(remains_before, '')
            ELSE occurrence_no = 1
        END AS is_kept
    FROM repeated
),

texts AS (
    SELECT
        dt,
        kind,
        path_id,
        touchpoint_type,
        STRING_AGG(remains, ' > ' ORDER BY occurred_at, touch_event_id) FILTER (WHERE is_kept) AS touchpoints,
        STRING_AGG(remains || '(' || CAST(occurrences AS VARCHAR) || ')', ' > ' ORDER BY occurred_at, touch_event_id)
            FILTER (WHERE is_kept) AS with_counts,
        STRING_AGG(CASE WHEN is_kept THEN '1' ELSE '0' END, '' ORDER BY occurred_at, touch_event_id)
            FILTER (WHERE kind = 'order' AND touch_event_id IS NOT NULL) AS remaining,
        COUNT(*) FILTER (WHERE is_kept) AS path_length,
        MIN(occurred_at) FILTER (WHERE is_kept) AS first_touch_at,
        MIN(occurred_at) AS began_at,
        MAX(occurred_at) AS ended_at
    FROM transformed
    GROUP BY dt, kind, path_id, touchpoint_type
),

of_persons AS (
    SELECT
        texts.*,
        CASE texts.kind WHEN 'open' THEN texts.path_id ELSE orders.person_id END AS person_id,
        CASE texts.kind WHEN 'order' THEN orders.ordered_at END AS ordered_at
    FROM texts
    LEFT JOIN orders
        ON
            texts.kind = 'order'
            AND orders.order_id = texts.path_id
            AND orders.dt = texts.dt
),

hashed AS (
    SELECT
        of_persons.*,
        MD5(COALESCE(person_id, '')) AS hash
    FROM of_persons
)

SELECT
    dt,
    kind,
    path_id,
    person_id,
    touchpoint_type,
    CAST((
        (STRPOS('0123456789abcdef', SUBSTR(hash, 1, 1)) - 1) * 16 + STRPOS('0123456789abcdef', SUBSTR(hash, 2, 1)) - 1
    ) % 64 AS INTEGER) AS person_group,
    COALESCE(
        CASE $touch_transform WHEN 'frequency' THEN with_counts ELSE touchpoints END, '(unattributed)'
    ) AS transformed_path,
    touchpoints,
    CAST(path_length AS INTEGER) AS path_length,
    remaining,
    first_touch_at,
    began_at,
    ended_at,
    ordered_at
FROM hashed
