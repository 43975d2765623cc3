/* model
description: >
  The touches of each path, sorted by (occurred_at, touch_event_id), and which of them remain after the transforms in
  the settings. The path of a paid order has the touches of its user within the touch window before the order. An open
  path has the touches of a person that no order has followed yet, of the day and the touch_window_days before it; it is
  here on each day on which the person had a touch of the type or a paid order. A path without touches has no row.
grain: [dt, kind, path_id, touchpoint_type, touch_no]
partition: dt
reads:
  attribution.touches: touch_window_days + max_payment_delay_days + 1
  core.order_lines: touch_window_days + max_payment_delay_days + 1
columns:
  kind: {type: VARCHAR, description: "order: the path of a paid order; open: the path of a person that has not led to an order yet"}
  path_id: {type: VARCHAR, description: order_id of the paid order; person_id of the open path}
  touchpoint_type: {type: VARCHAR, description: "entrance, slot, channel or campaign"}
  touch_no: {type: INTEGER, description: "place among all touches of the path, from 1"}
  position: {type: INTEGER, description: "place in the transformed path, from 1; null = removed by a transform"}
  touch_event_id: {type: VARCHAR, description: event_id of the touch}
  touchpoint: {type: VARCHAR, description: as in attribution.touches}
  occurrences: {type: INTEGER, description: "with the transform frequency, how often this touchpoint occurs in the path, without the touches that a remove_ transform removed; null = another transform, or this touch is removed"}
  campaign: {type: VARCHAR, description: utm_campaign of the touch; null = none}
  occurred_at: {type: TIMESTAMP, description: "time of the touch, UTC"}
  dt: {type: DATE, description: "business day: of payment for an order, else the day at whose end the path is open"}
*/
WITH orders AS (
    SELECT DISTINCT
        order_id,
        user_id AS person_id,
        ordered_at,
        -- A touch after payment did not lead to the order; the tolerance allows for clocks that differ.
        LEAST(ordered_at, paid_at) + $clock_tolerance_seconds * INTERVAL '1' SECOND AS touched_until,
        dt
    FROM core.order_lines
    WHERE
        dt BETWEEN $from_dt - ($touch_window_days + $max_payment_delay_days + 1) AND $to_dt
        AND user_id IS NOT NULL
),

touches AS (
    SELECT
        person_id,
        touch_event_id,
        touchpoint_type,
        touchpoint,
        campaign,
        occurred_at,
        dt
    FROM attribution.touches
    WHERE dt BETWEEN $from_dt - ($touch_window_days + $max_payment_delay_days + 1) AND $to_dt
),

of_orders AS (
    SELECT
        'order' AS kind,
        orders.order_id AS path_id,
        touches.touchpoint_type,
        touches.touch_event_id,
        touches.touchpoint,
        touches.campaign,
        touches.occurred_at,
        orders.dt
    FROM orders
    INNER JOIN touches
        ON
            touches.person_id = orders.person_id
            AND touches.occurred_at >= orders.ordered_at - $touch_window_days * INTERVAL '1' DAY
            AND touches.occurred_at <= orders.touched_until
            AND touches.dt <= orders.dt
            AND DATE_DIFF('day', touches.dt, orders.dt) <= $touch_window_days + $max_payment_delay_days + 1
    WHERE orders.dt BETWEEN $from_dt AND $to_dt
),

types AS (
    SELECT DISTINCT touchpoint_type
    FROM touches
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
        orders.person_id,
        types.touchpoint_type,
        orders.dt
    FROM orders
    CROSS JOIN types
    WHERE orders.dt BETWEEN $from_dt AND $to_dt
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

unordered AS (
    SELECT
        'open' AS kind,
        touches.person_id AS path_id,
        touches.touchpoint_type,
        touches.touch_event_id,
        touches.touchpoint,
        touches.campaign,
        touches.occurred_at,
        since_the_last_order.dt
    FROM since_the_last_order
    INNER JOIN touches
        ON
            touches.person_id = since_the_last_order.person_id
            AND touches.touchpoint_type = since_the_last_order.touchpoint_type
            AND touches.occurred_at > since_the_last_order.touched_after
            AND touches.dt <= since_the_last_order.dt
            AND DATE_DIFF('day', touches.dt, since_the_last_order.dt) <= $touch_window_days
),

in_window AS (
    SELECT of_orders.*
    FROM of_orders
    UNION ALL
    SELECT unordered.*
    FROM unordered
),

numbered AS (
    SELECT
        in_window.*,
        CAST(ROW_NUMBER() OVER (
            PARTITION BY dt, kind, path_id, touchpoint_type
            ORDER BY occurred_at, touch_event_id
        ) AS INTEGER) AS touch_no
    FROM in_window
),

beside_others AS (
    SELECT
        dt,
        kind,
        path_id,
        touchpoint_type,
        touch_no,
        touchpoint,
        COUNT(*) FILTER (WHERE NOT touchpoint IN ($touch_remove_if_not_all)) OVER (
            PARTITION BY dt, kind, path_id, touchpoint_type
        ) AS others
    FROM numbered
),

until_the_last AS (
    SELECT
        beside_others.*,
        MAX(
            CASE
                WHEN
                    (others = 0 OR NOT touchpoint IN ($touch_remove_if_not_all))
                    AND NOT touchpoint IN ($touch_remove_if_last_and_not_all)
                    THEN touch_no
            END
        ) OVER (PARTITION BY dt, kind, path_id, touchpoint_type) AS last_other
    FROM beside_others
),

-- remove_if_not_all: the touchpoints that it names, unless the path has no others. Then remove_if_last_and_not_all: its
-- touchpoints at the end of what is left, unless that has no others. Without names, DuckDB plans nothing of this.
removed AS (
    SELECT
        dt,
        kind,
        path_id,
        touchpoint_type,
        touch_no
    FROM until_the_last
    WHERE
        (touchpoint IN ($touch_remove_if_not_all) AND others > 0)
        OR (touchpoint IN ($touch_remove_if_last_and_not_all) AND touch_no > last_other)
),

remaining AS (
    SELECT
        numbered.*,
        CASE WHEN removed.touch_no IS NULL THEN numbered.touchpoint END AS remains
    FROM numbered
    LEFT JOIN removed
        ON
            removed.dt = numbered.dt
            AND removed.kind = numbered.kind
            AND removed.path_id = numbered.path_id
            AND removed.touchpoint_type = numbered.touchpoint_type
            AND removed.touch_no = numbered.touch_no
),

repeated AS (
    SELECT
        remaining.*,
        LAST_VALUE(remains IGNORE NULLS) OVER (
            PARTITION BY dt, kind, path_id, touchpoint_type
            ORDER BY touch_no
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS remains_before,
        ROW_NUMBER() OVER (
            PARTITION BY dt, kind, path_id, touchpoint_type, remains
            ORDER BY touch_no
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

placed AS (
    SELECT
        transformed.*,
        COUNT(*) FILTER (WHERE is_kept) OVER (
            PARTITION BY dt, kind, path_id, touchpoint_type
            ORDER BY touch_no
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS kept_so_far
    FROM transformed
)

SELECT
    dt,
    kind,
    path_id,
    touchpoint_type,
    touch_no,
    CASE WHEN is_kept THEN CAST(kept_so_far AS INTEGER) END AS position,
    touch_event_id,
    touchpoint,
    CASE WHEN is_kept AND $touch_transform = 'frequency' THEN CAST(occurrences AS INTEGER) END AS occurrences,
    campaign,
    occurred_at
FROM placed
