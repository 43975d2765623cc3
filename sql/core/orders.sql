/* model
description: >
  Every order of any status in its newest landed version, on the business day of ordering. Among versions with equal
  updated_at, the one with the most advanced status counts (unpaid < paid < cancelled, refunded); record_hash begins
  with the rank of the status for this purpose.
grain: [order_id]
partition: dt
reads: {raw.orders: all}
columns:
  order_id: {type: VARCHAR, description: "the shop's id of the order"}
  user_id: {type: VARCHAR, description: user who ordered; null = unknown}
  status: {type: VARCHAR, description: "paid, unpaid, cancelled or refunded"}
  ordered_at: {type: TIMESTAMP, description: "time of ordering, UTC"}
  paid_at: {type: TIMESTAMP, description: "time of payment, UTC; null = not paid, or unknown"}
  currency: {type: VARCHAR, description: "currency of the order's amounts; null = the reporting currency"}
  updated_at: {type: TIMESTAMP, description: "time of this version, UTC; null = unknown"}
  dt: {type: DATE, description: business day of ordering}
*/
WITH versions AS (
    SELECT
        order_id,
        user_id,
        status,
        ordered_at,
        paid_at,
        currency,
        updated_at,
        ordered_dt AS dt,
        ROW_NUMBER() OVER (
            PARTITION BY order_id
            ORDER BY updated_at DESC NULLS LAST, record_hash DESC
        ) AS version_no
    FROM raw.orders
)

SELECT versions.* EXCLUDE (version_no)
FROM versions
WHERE
    version_no = 1
    AND dt BETWEEN $from_dt AND $to_dt
