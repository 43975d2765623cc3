/* model
description: >
  Refunds of paid order lines, on the business day on which they were made, at the exchange rate of the sale. If a
  line says only how much was refunded, the refund counts on the day of that version of the line, or on the day of
  payment if the version has no time. An order with status refunded and no stated refund is refunded in full, on the
  day of that version of the order, or on the day of payment.
grain: [order_id, line_no, refund_id]
partition: dt
reads: {raw.orders: all, raw.order_lines: all, raw.refunds: all}
columns:
  refund_id: {type: VARCHAR, description: "id of the refund; 'undated:<order>:<line>' if only the line states an amount, 'implied:<order>:<line>' if only the order's status says so"}
  order_id: {type: VARCHAR, description: "the shop's id of the order"}
  line_no: {type: INTEGER, description: line within the order}
  user_id: {type: VARCHAR, description: user who ordered; null = unknown}
  sku: {type: VARCHAR, description: "what was bought: a product or a variant of one"}
  product_id: {type: VARCHAR, description: "the product that sku is a variant of, else sku itself"}
  amount: {type: "DECIMAL(18,4)", description: "reporting currency, at the exchange rate of the day of payment"}
  is_implied: {type: BOOLEAN, description: "true if no refund is stated and only the order's status says so; amount is then the line's revenue"}
  refunded_at: {type: TIMESTAMP, description: "time of the refund, UTC"}
  dt: {type: DATE, description: business day of the refund}
*/
WITH order_versions AS (
    SELECT
        order_id,
        user_id,
        status,
        paid_at,
        paid_dt,
        updated_at,
        updated_dt,
        COALESCE(currency, $currency) AS currency,
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
        sku,
        quantity,
        unit_price,
        COALESCE(discount, 0) AS discount,
        refunded_amount,
        updated_at,
        updated_dt,
        ROW_NUMBER() OVER (
            PARTITION BY order_id, line_no
            ORDER BY updated_at DESC NULLS LAST, record_hash DESC
        ) AS version_no
    FROM raw.order_lines
),

paid_lines AS (
    SELECT
        lines.order_id,
        lines.line_no,
        orders.user_id,
        lines.sku,
        COALESCE(products.product_id, lines.sku) AS product_id,
        lines.refunded_amount,
        CAST(lines.quantity AS DECIMAL(20, 0)) * lines.unit_price - lines.discount AS revenue,
        COALESCE(lines.updated_at, orders.paid_at) AS told_at,
        COALESCE(lines.updated_dt, orders.paid_dt) AS told_dt,
        orders.status,
        COALESCE(orders.updated_at, orders.paid_at) AS order_told_at,
        COALESCE(orders.updated_dt, orders.paid_dt) AS order_told_dt,
        CASE WHEN orders.currency = $currency THEN CAST(1 AS DECIMAL(20, 8)) ELSE fx.rate END AS rate
    FROM line_versions AS lines
    INNER JOIN order_versions AS orders ON orders.order_id = lines.order_id
    LEFT JOIN config.fx
        ON
            fx.day = orders.paid_dt
            AND fx.currency = orders.currency
    LEFT JOIN core.products AS products ON products.sku = lines.sku
    WHERE
        lines.version_no = 1
        AND lines.quantity > 0
        AND orders.version_no = 1
        AND orders.status IN ('paid', 'refunded')
        AND orders.paid_at IS NOT NULL
),

refund_versions AS (
    SELECT
        refund_id,
        order_id,
        line_no,
        amount,
        refunded_at,
        refunded_dt,
        ROW_NUMBER() OVER (
            PARTITION BY order_id, line_no, refund_id
            ORDER BY updated_at DESC NULLS LAST, record_hash DESC
        ) AS version_no
    FROM raw.refunds
),

dated AS (
    SELECT
        refunds.refund_id,
        lines.order_id,
        lines.line_no,
        lines.user_id,
        lines.sku,
        lines.product_id,
        TRY_CAST(refunds.amount * lines.rate AS DECIMAL(18, 4)) AS amount,
        FALSE AS is_implied,
        refunds.refunded_at,
        refunds.refunded_dt AS dt
    FROM refund_versions AS refunds
    INNER JOIN paid_lines AS lines USING (order_id, line_no)
    WHERE refunds.version_no = 1
),

undated AS (
    SELECT
        'undated:' || lines.order_id || ':' || CAST(lines.line_no AS VARCHAR) AS refund_id,
        lines.order_id,
        lines.line_no,
        lines.user_id,
        lines.sku,
        lines.product_id,
        TRY_CAST(lines.refunded_amount * lines.rate AS DECIMAL(18, 4)) AS amount,
        FALSE AS is_implied,
        lines.told_at AS refunded_at,
        lines.told_dt AS dt
    FROM paid_lines AS lines
    ANTI JOIN dated USING (order_id, line_no)
    WHERE lines.refunded_amount > 0
),

stated AS (
    SELECT order_id
    FROM raw.refunds
    UNION DISTINCT
    SELECT order_id
    FROM paid_lines
    WHERE refunded_amount > 0
),

implied AS (
    SELECT
        'implied:' || lines.order_id || ':' || CAST(lines.line_no AS VARCHAR) AS refund_id,
        lines.order_id,
        lines.line_no,
        lines.user_id,
        lines.sku,
        lines.product_id,
        TRY_CAST(lines.revenue * lines.rate AS DECIMAL(18, 4)) AS amount,
        TRUE AS is_implied,
        lines.order_told_at AS refunded_at,
        lines.order_told_dt AS dt
    FROM paid_lines AS lines
    ANTI JOIN stated USING (order_id)
    WHERE
        lines.status = 'refunded'
        AND lines.revenue > 0
),

refunds AS (
    SELECT * FROM dated
    UNION ALL
    SELECT * FROM undated
    UNION ALL
    SELECT * FROM implied
)

SELECT *
FROM refunds
WHERE dt BETWEEN $from_dt AND $to_dt
