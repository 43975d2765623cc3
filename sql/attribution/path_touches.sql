/* model
description: >
  The touches of each path, sorted by (occurred_at, touch_event_id), and which of them remain after the transforms in
  the settings. The path of a paid order has the touches of its user within the touch window before the order. An open
  path has the touches of a person that no order has followed yet, as of the end of the day, within the touch window
  before the last of them; it is here on each day on which the person had a touch of the type or a paid order. A path
  without touches has no row.
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
  occurrences: {type: INTEGER, description: "how often this touchpoint occurs in the path, without the touches that a remove_ transform removed; null = this touch is removed"}
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

-- A touch of one type does not go on with the path of another: that path would lose its first touches, and then itself.
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
    FROM orders
    CROSS JOIN types
    WHERE dt BETWEEN $from_dt AND $to_dt
),

-- Touches up to a person's last order have led to it, so they are in no open path.
since_the_last_order AS (
    SELECT
        active_days.person_id,
        active_days.touchpoint_type,
        active_days.dt,
        MAX(orders.touched_until) AS touched_after
    FROM active_days
    LEFT JOIN orders
        ON
            orders.person_id = active_days.person_id
            AND orders.dt <= active_days.dt
            AND DATE_DIFF('day', orders.dt, active_days.dt) <= $touch_window_days + $max_payment_delay_days + 1
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
        since_the_last_order.dt,
        MAX(touches.occurred_at) OVER (
            PARTITION BY since_the_last_order.dt, touches.person_id, touches.touchpoint_type
        ) AS last_at
    FROM since_the_last_order
    INNER JOIN touches
        ON
            touches.person_id = since_the_last_order.person_id
            AND touches.touchpoint_type = since_the_last_order.touchpoint_type
            AND touches.occurred_at > COALESCE(since_the_last_order.touched_after, TIMESTAMP '1900-01-01 00:00:00')
            AND touches.dt <= since_the_last_order.dt
            AND DATE_DIFF('day', touches.dt, since_the_last_order.dt)
            <= $touch_window_days + $max_payment_delay_days + 1
),

in_window AS (
    SELECT of_orders.*
    FROM of_orders
    UNION ALL
    SELECT unordered.* EXCLUDE (last_at)
    FROM unordered
    WHERE occurred_at >= last_at - $touch_window_days * INTERVAL '1' DAY
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
        touchpoint,
        touch_no,
        COUNT(*) FILTER (WHERE NOT touchpoint IN ($touch_remove_if_not_all)) OVER (
            PARTITION BY dt, kind, path_id, touchpoint_type
        ) AS others
    FROM numbered
),

-- After remove_if_not_all: without the touchpoints that it names, unless the path has no others.
before_the_last AS (
    SELECT
        beside_others.*,
        MAX(CASE WHEN NOT touchpoint IN ($touch_remove_if_last_and_not_all) THEN touch_no END) OVER (
            PARTITION BY dt, kind, path_id, touchpoint_type
        ) AS last_other
    FROM beside_others
    WHERE
        others = 0
        OR NOT touchpoint IN ($touch_remove_if_not_all)
),

-- After remove_if_last_and_not_all: without its touchpoints at the end of the path, unless the path has no others.
repeated AS (
    SELECT
        before_the_last.*,
        LAG(touchpoint) OVER (
            PARTITION BY dt, kind, path_id, touchpoint_type
            ORDER BY touch_no
        ) AS touchpoint_before,
        ROW_NUMBER() OVER (
            PARTITION BY dt, kind, path_id, touchpoint_type, touchpoint
            ORDER BY touch_no
        ) AS occurrence_no,
        COUNT(*) OVER (
            PARTITION BY dt, kind, path_id, touchpoint_type, touchpoint
        ) AS occurrences
    FROM before_the_last
    WHERE touch_no <= COALESCE(last_other, touch_no)
),

transformed AS (
    SELECT
        dt,
        kind,
        path_id,
        touchpoint_type,
        touch_no,
        CAST(occurrences AS INTEGER) AS occurrences,
        CAST(ROW_NUMBER() OVER (
            PARTITION BY dt, kind, path_id, touchpoint_type
            ORDER BY touch_no
        ) AS INTEGER) AS position
    FROM repeated
    WHERE
        CASE $touch_transform
            WHEN 'unique' THEN TRUE
            WHEN 'exposure' THEN touchpoint <> COALESCE(touchpoint_before, '')
            ELSE occurrence_no = 1
        END
)

SELECT
    numbered.*,
    transformed.position,
    transformed.occurrences
FROM numbered
LEFT JOIN transformed USING (dt, kind, path_id, touchpoint_type, touch_no)
