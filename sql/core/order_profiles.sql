/* model
description: >
  The platform and the channel by which the buyer of each paid order came: those of the buyer's latest visit of
  core.visitors up to the day of payment, at most max_payment_delay_days + 1 days before it.
grain: [dt, order_id]
partition: dt
detail: true
reads: {core.visitors: max_payment_delay_days + 1}
columns:
  order_id: {type: VARCHAR, description: "the shop's id of the order"}
  platform: {type: VARCHAR, description: "as in core.visitors; '(none)' = no such visit, or an order without a known user"}
  channel: {type: VARCHAR, description: "as in core.visitors; '(none)' as for platform"}
  dt: {type: DATE, description: business day of payment}
*/
WITH orders AS (
    SELECT
        dt,
        order_id,
        user_id
    FROM core.paid_orders
    WHERE dt BETWEEN $from_dt AND $to_dt
),

visits AS (
    SELECT
        orders.dt,
        orders.order_id,
        visitors.platform,
        visitors.channel,
        ROW_NUMBER() OVER (PARTITION BY orders.dt, orders.order_id ORDER BY visitors.dt DESC) AS visit_no
    FROM orders
    INNER JOIN core.visitors AS visitors
        ON
            visitors.person_id = orders.user_id
            AND DATE_DIFF('day', visitors.dt, orders.dt) BETWEEN 0 AND $max_payment_delay_days + 1
    WHERE visitors.dt BETWEEN $from_dt - ($max_payment_delay_days + 1) AND $to_dt
)

SELECT
    orders.dt,
    orders.order_id,
    COALESCE(visits.platform, '(none)') AS platform,
    COALESCE(visits.channel, '(none)') AS channel
FROM orders
LEFT JOIN visits
    ON
        visits.dt = orders.dt
        AND visits.order_id = orders.order_id
        AND visits.visit_no = 1
