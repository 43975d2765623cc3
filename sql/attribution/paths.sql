/* model
description: >
  The paths of persons as text. The path of a paid order has the touches of attribution.order_touches; an order without
  touches has a row too. An open path has the touches of a person that no order has followed yet, of the day and the
  touch_window_days before it; it is here on each day on which the person had a touch of the type or a paid order. The
  transforms in the settings decide which touches remain.
grain: [dt, kind, path_id, touchpoint_type]
partition: dt
detail: true
reads: {attribution.touches: touch_window_days, core.paid_orders: touch_window_days + max_payment_delay_days + 1}
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

orders_of_days AS (
    SELECT
        orders.dt,
        'order' AS kind,
        orders.order_id AS path_id,
        types.touchpoint_type,
        orders.person_id,
        orders.ordered_at,
        CAST(NULL AS TIMESTAMP) AS touched_after
    FROM orders
    CROSS JOIN (SELECT DISTINCT touchpoint_type FROM attribution.touch_models) AS types
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

-- Paths of different types of touchpoints are separate, so the days are found for each type.
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
    LEFT JOIN orders ON orders.person_id = active_days.person_id AND orders.dt <= active_days.dt
    GROUP BY active_days.person_id, active_days.touchpoint_type, active_days.dt
),

paths_of_days AS (
    SELECT * FROM orders_of_days
    UNION ALL
    SELECT
        dt,
        'open' AS kind,
        person_id AS path_id,
        touchpoint_type,
        person_id,
        CAST(NULL AS TIMESTAMP) AS ordered_at,
        touched_after
    FROM since_the_last_order
),

grouped AS (
    SELECT
        paths_of_days.*,
        CAST((
            (STRPOS('0123456789abcdef', SUBSTR(MD5(COALESCE(person_id, '')), 1, 1)) - 1) * 16
            + STRPOS('0123456789abcdef', SUBSTR(MD5(COALESCE(person_id, '')), 2, 1)) - 1
        ) % 64 AS INTEGER) AS person_group
    FROM paths_of_days
),

-- Sorting and grouping millions of touches by one number takes a third of the time of the four columns that it stands for.
numbered AS (
    SELECT
        grouped.*,
        ROW_NUMBER() OVER (PARTITION BY person_group ORDER BY dt, kind, path_id, touchpoint_type) * 64
        + person_group AS path_no
    FROM grouped
),

path_touches AS (
    SELECT
        paths.path_no,
        touches.touch_event_id,
        touches.touchpoint,
        touches.occurred_at
    FROM attribution.order_touches AS touches
    INNER JOIN numbered AS paths
        ON
            paths.kind = 'order'
            AND paths.path_id = touches.order_id
            AND paths.touchpoint_type = touches.touchpoint_type
            AND paths.dt = touches.dt
    WHERE touches.dt BETWEEN $from_dt AND $to_dt
    UNION ALL
    SELECT
        paths.path_no,
        touches.touch_event_id,
        touches.touchpoint,
        touches.occurred_at
    FROM touches
    INNER JOIN numbered AS paths
        ON
            paths.kind = 'open'
            AND paths.person_id = touches.person_id
            AND paths.touchpoint_type = touches.touchpoint_type
            AND touches.occurred_at > paths.touched_after
            AND touches.dt <= paths.dt
            AND DATE_DIFF('day', touches.dt, paths.dt) <= $touch_window_days
),

touchpoints AS (
    SELECT
        touchpoint,
        ROW_NUMBER() OVER (ORDER BY touchpoint) AS touchpoint_no
    FROM (SELECT DISTINCT touchpoint FROM path_touches) AS names
),

beside_others AS (
    SELECT
        path_touches.*,
        COUNT(CASE WHEN NOT touchpoint IN ($touch_remove_if_not_all) THEN 1 END) OVER (PARTITION BY path_no) AS others
    FROM path_touches
),

until_the_last AS (
    SELECT
        beside_others.*,
        COUNT(CASE
            WHEN others > 0 AND touchpoint IN ($touch_remove_if_not_all) THEN NULL
            WHEN NOT touchpoint IN ($touch_remove_if_last_and_not_all) THEN 1
        END) OVER (
            PARTITION BY path_no ORDER BY occurred_at, touch_event_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS others_so_far
    FROM beside_others
),

with_last AS (
    SELECT
        until_the_last.*,
        NULLIF(MAX(others_so_far) OVER (PARTITION BY path_no), 0) AS others_at_the_end
    FROM until_the_last
),

-- First remove the touchpoints in remove_if_not_all, unless the path has no others. Then remove those at the end of the
-- rest that are in remove_if_last_and_not_all, unless the rest has no others. If both lists are empty, DuckDB skips this.
removed AS (
    SELECT
        path_no,
        touch_event_id
    FROM with_last
    WHERE
        (touchpoint IN ($touch_remove_if_not_all) AND others > 0)
        OR (touchpoint IN ($touch_remove_if_last_and_not_all) AND others_so_far = others_at_the_end)
),

placed AS (
    SELECT
        path_touches.path_no,
        path_touches.touchpoint,
        path_touches.occurred_at,
        CASE WHEN removed.touch_event_id IS NULL THEN touchpoints.touchpoint_no END AS remains,
        CAST(ROW_NUMBER() OVER (PARTITION BY path_no ORDER BY occurred_at, touch_event_id) AS BIGINT) AS place
    FROM path_touches
    INNER JOIN touchpoints USING (touchpoint)
    LEFT JOIN removed USING (path_no, touch_event_id)
),

-- Each transform has its own window function; DuckDB computes only the one that the settings choose.
transformed AS (
    SELECT
        placed.*,
        remains IS NOT NULL
        AND CASE $touch_transform
            WHEN 'unique' THEN TRUE
            WHEN 'exposure' THEN remains <> COALESCE(LAST_VALUE(remains IGNORE NULLS) OVER (
                PARTITION BY path_no ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ), 0)
            ELSE ROW_NUMBER() OVER (PARTITION BY path_no, remains ORDER BY place) = 1
        END AS is_kept,
        COUNT(*) OVER (PARTITION BY path_no, remains) AS occurrences
    FROM placed
),

-- Each touch of a path is one number here: its place, and in the last nine digits its touchpoint, or 0 if a transform
-- removed it. Sorting the numbers sorts the touches, in a third of the time that their texts take.
listed AS (
    SELECT
        path_no,
        LIST_SORT(LIST(COALESCE(place * 1000000000 + CASE WHEN is_kept THEN remains ELSE 0 END, 0))) AS touches,
        STRING_AGG(
            CASE WHEN is_kept THEN touchpoint || '(' || CAST(occurrences AS VARCHAR) || ')' END, ' > ' ORDER BY place
        ) AS with_counts,
        MIN(occurred_at) FILTER (WHERE is_kept) AS first_touch_at,
        MIN(occurred_at) AS began_at,
        MAX(occurred_at) AS ended_at
    FROM transformed
    GROUP BY path_no
),

kept AS (
    SELECT
        listed.*,
        LIST_TRANSFORM(LIST_FILTER(touches, LAMBDA x: x % 1000000000 > 0), LAMBDA x: x % 1000000000) AS touchpoint_nos
    FROM listed
),

-- Many paths have the same touchpoints; their text is made once.
lists AS (
    SELECT
        touchpoint_nos,
        MIN(path_no) AS list_no
    FROM kept
    GROUP BY touchpoint_nos
),

list_touchpoints AS (
    SELECT
        lists.list_no,
        numbers.touchpoint_no,
        ROW_NUMBER() OVER (PARTITION BY list_no ORDER BY numbers.n) AS place
    FROM lists
    CROSS JOIN UNNEST(lists.touchpoint_nos) WITH ORDINALITY AS numbers(touchpoint_no, n)
),

texts AS (
    SELECT
        list_touchpoints.list_no,
        STRING_AGG(touchpoints.touchpoint, ' > ' ORDER BY list_touchpoints.place) AS touchpoints
    FROM list_touchpoints
    INNER JOIN touchpoints USING (touchpoint_no)
    GROUP BY list_touchpoints.list_no
)

SELECT
    paths.* EXCLUDE (touched_after, path_no),
    COALESCE(
        CASE $touch_transform WHEN 'frequency' THEN kept.with_counts ELSE texts.touchpoints END, '(unattributed)'
    ) AS transformed_path,
    texts.touchpoints,
    CAST(COALESCE(ARRAY_LENGTH(kept.touchpoint_nos), 0) AS INTEGER) AS path_length,
    CASE
        WHEN paths.kind = 'order' THEN ARRAY_TO_STRING(
            LIST_TRANSFORM(kept.touches, LAMBDA x: CASE WHEN x % 1000000000 > 0 THEN '1' ELSE '0' END), ''
        )
    END AS remaining,
    kept.first_touch_at,
    kept.began_at,
    kept.ended_at
FROM numbered AS paths
LEFT JOIN kept USING (path_no)
LEFT JOIN lists USING (touchpoint_nos)
LEFT JOIN texts USING (list_no)
WHERE paths.kind = 'order' OR kept.path_no IS NOT NULL
