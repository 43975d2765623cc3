/* check
model: core.order_lines
severity: warn
description: Orders with status refunded whose stated refunds are less than their revenue.
remedy: >
  Land the missing refunds; if only a part was refunded, the status should stay paid. An order with status refunded and
  without any stated refund counts as refunded in full.
reads: {raw.orders: all}
*/
WITH order_versions AS (
    SELECT
        order_id,
        status,
        ROW_NUMBER() OVER (
            PARTITION BY order_id
            ORDER BY updated_at DESC NULLS LAST, record_hash DESC
        ) AS version_no
    FROM raw.orders
)

SELECT
    lines.dt,
    lines.order_id,
    SUM(lines.revenue) AS revenue,
    SUM(lines.refunded) AS refunded
FROM core.order_lines AS lines
INNER JOIN order_versions AS orders ON orders.order_id = lines.order_id
WHERE
    lines.dt BETWEEN $from_dt AND $to_dt
    AND orders.version_no = 1
    AND orders.status = 'refunded'
GROUP BY lines.dt, lines.order_id
HAVING SUM(lines.refunded) < SUM(lines.revenue)
