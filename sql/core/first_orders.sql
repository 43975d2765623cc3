/* model
description: >
  The first paid order of each user among all landed orders: the order that made the user a customer. If several have
  the same time of payment, the one with the smallest order_id. An order does not count if all of its lines were
  removed.
grain: [user_id]
partition: dt
reads: {raw.orders: all, raw.order_lines: all}
columns:
  user_id: {type: VARCHAR, description: user who ordered}
  order_id: {type: VARCHAR, description: "the shop's id of the order"}
  paid_at: {type: TIMESTAMP, description: "time of payment, UTC"}
  dt: {type: DATE, description: business day of payment}
*/
WITH versions AS (
    SELECT
        order_id,
        user_id,
        status,
        paid_at,
        paid_dt,
        ROW_NUMBER() OVER (
            PARTITION BY order_id
            ORDER BY updated_at DESC NULLS LAST, record_hash DESC
        ) AS version_no
    FROM raw.orders
),

line_versions AS (
    SELECT
        order_id,
        quantity,
        ROW_NUMBER() OVER (
            PARTITION BY order_id, line_no
            ORDER BY updated_at DESC NULLS LAST, record_hash DESC
        ) AS version_no
    FROM raw.order_lines
),

sold AS (
    SELECT DISTINCT order_id
    FROM line_versions
    WHERE
        version_no = 1
        AND quantity > 0
),

paid AS (
    SELECT
        user_id,
        order_id,
        paid_at,
        paid_dt,
        ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY paid_at, order_id) AS order_no
    FROM versions
    SEMI JOIN sold USING (order_id)
    WHERE
        version_no = 1
        AND user_id IS NOT NULL
        AND status IN ('paid', 'refunded')
        AND paid_at IS NOT NULL
)

SELECT
    user_id,
    order_id,
    paid_at,
    paid_dt AS dt
FROM paid
WHERE
    order_no = 1
    AND paid_dt BETWEEN $from_dt AND $to_dt
