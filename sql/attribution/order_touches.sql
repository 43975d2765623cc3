/* model
description: >
  The touches of each paid order: those of its user within the touch window before the order, sorted by (occurred_at,
  touch_event_id). An order without touches has no row. Which of them remain after the transforms in the settings is in
  attribution.paths.
grain: [dt, order_id, touchpoint_type, touch_no]
partition: dt
detail: true
reads: {attribution.touches: touch_window_days + max_payment_delay_days + 1}
columns:
  order_id: {type: VARCHAR, description: "the shop's id of the order"}
  touchpoint_type: {type: VARCHAR, description: "entrance, slot, channel or campaign"}
  touch_no: {type: INTEGER, description: "place among all touches of the order, from 1"}
  touch_event_id: {type: VARCHAR, description: event_id of the touch}
  touchpoint: {type: VARCHAR, description: as in attribution.touches}
  campaign: {type: VARCHAR, description: utm_campaign of the touch; null = none}
  occurred_at: {type: TIMESTAMP, description: "time of the touch, UTC"}
  dt: {type: DATE, description: business day of payment}
*/
WITH orders AS (
    SELECT
        order_id,
        user_id AS person_id,
        ordered_at,
        -- A touch after payment did not lead to the order; the tolerance allows for clocks that differ.
        LEAST(ordered_at, paid_at) + $clock_tolerance_seconds * INTERVAL '1' SECOND AS touched_until,
        dt
    FROM core.paid_orders
    WHERE
        dt BETWEEN $from_dt AND $to_dt
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
)

SELECT
    orders.dt,
    orders.order_id,
    touches.touchpoint_type,
    CAST(ROW_NUMBER() OVER (
        PARTITION BY orders.dt, orders.order_id, touches.touchpoint_type
        ORDER BY touches.occurred_at, touches.touch_event_id
    ) AS INTEGER) AS touch_no,
    touches.touch_event_id,
    touches.touchpoint,
    touches.campaign,
    touches.occurred_at
FROM touches
INNER JOIN orders
    ON
        orders.person_id = touches.person_id
        AND touches.occurred_at >= orders.ordered_at - $touch_window_days * INTERVAL '1' DAY
        AND touches.occurred_at <= orders.touched_until
        AND touches.dt <= orders.dt
        AND DATE_DIFF('day', touches.dt, orders.dt) <= $touch_window_days + $max_payment_delay_days + 1
