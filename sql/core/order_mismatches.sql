/* model
description: >
  Records that the sales tables cannot include: order lines whose order has not landed, paid orders without any line
  or without the time of payment, and refunds whose line has not landed or has been removed from the order.
grain: [mismatch, order_id, line_no]
reads: {raw.orders: all, raw.order_lines: all, raw.refunds: all}
columns:
  mismatch: {type: VARCHAR, description: "line_without_order, order_without_lines, paid_without_paid_at or refund_without_line"}
  order_id: {type: VARCHAR, description: "the shop's id of the order"}
  line_no: {type: INTEGER, description: line within the order; 0 = the whole order}
*/
WITH order_versions AS (
    SELECT
        order_id,
        status,
        paid_at,
        ROW_NUMBER() OVER (
            PARTITION BY order_id
            ORDER BY updated_at DESC NULLS LAST, record_hash DESC
        ) AS version_no
    FROM raw.orders
),

line_versions AS (
    SELECT
        order_id,
        line_no,
        quantity,
        ROW_NUMBER() OVER (
            PARTITION BY order_id, line_no
            ORDER BY updated_at DESC NULLS LAST, record_hash DESC
        ) AS version_no
    FROM raw.order_lines
),

lines AS (
    SELECT
        order_id,
        line_no,
        quantity
    FROM line_versions
    WHERE version_no = 1
),

refunds AS (
    SELECT DISTINCT
        order_id,
        line_no
    FROM raw.refunds
),

mismatches AS (
    SELECT
        'line_without_order' AS mismatch,
        lines.order_id,
        lines.line_no
    FROM lines
    ANTI JOIN order_versions ON order_versions.order_id = lines.order_id
    UNION ALL
    SELECT
        'order_without_lines' AS mismatch,
        order_versions.order_id,
        0 AS line_no
    FROM order_versions
    ANTI JOIN lines ON lines.order_id = order_versions.order_id
    WHERE
        order_versions.version_no = 1
        AND order_versions.status IN ('paid', 'refunded')
        AND order_versions.paid_at IS NOT NULL
    UNION ALL
    SELECT
        'paid_without_paid_at' AS mismatch,
        order_versions.order_id,
        0 AS line_no
    FROM order_versions
    WHERE
        order_versions.version_no = 1
        AND order_versions.status IN ('paid', 'refunded')
        AND order_versions.paid_at IS NULL
    UNION ALL
    SELECT
        'refund_without_line' AS mismatch,
        refunds.order_id,
        refunds.line_no
    FROM refunds
    ANTI JOIN lines
        ON
            lines.order_id = refunds.order_id
            AND lines.line_no = refunds.line_no
            AND lines.quantity > 0
)

SELECT * FROM mismatches
