/* model
description: >
  The lines of paid orders (paid_at is known, status is paid or refunded), on the business day of payment, with money
  in the reporting currency at the exchange rate of that day. A line whose newest version has quantity 0 has been
  removed from the order and has no row.
grain: [order_id, line_no]
partition: dt
reads: {raw.orders: all, raw.order_lines: all, raw.refunds: all}
columns:
  order_id: {type: VARCHAR, description: "the shop's id of the order"}
  line_no: {type: INTEGER, description: line within the order}
  user_id: {type: VARCHAR, description: user who ordered; null = unknown}
  sku: {type: VARCHAR, description: "what was bought: a product or a variant of one"}
  product_id: {type: VARCHAR, description: "the product that sku is a variant of, else sku itself"}
  quantity: {type: INTEGER, description: units sold}
  revenue: {type: "DECIMAL(18,4)", description: "quantity × unit_price − discount, reporting currency"}
  refunded: {type: "DECIMAL(18,4)", description: "refunds so far, at the exchange rate of the sale; the whole revenue if only the order's status says that it was refunded"}
  net_revenue: {type: "DECIMAL(18,4)", description: "revenue − refunded, reporting currency"}
  cost: {type: "DECIMAL(18,4)", description: "quantity × unit_cost of the line, otherwise of the product, reporting currency; null = unknown"}
  margin: {type: "DECIMAL(18,4)", description: "net_revenue − cost, reporting currency; null if the cost is unknown"}
  ordered_at: {type: TIMESTAMP, description: "time of ordering, UTC"}
  paid_at: {type: TIMESTAMP, description: "time of payment, UTC"}
  dt: {type: DATE, description: business day of payment}
*/
WITH order_versions AS (
    SELECT
        order_id,
        user_id,
        status,
        ordered_at,
        paid_at,
        paid_dt,
        COALESCE(currency, $currency) AS currency,
        ROW_NUMBER() OVER (
            PARTITION BY order_id
            ORDER BY updated_at DESC NULLS LAST, record_hash DESC
        ) AS version_no
    FROM raw.orders
),

paid_orders AS (
    SELECT
        orders.order_id,
        orders.user_id,
        orders.status,
        orders.ordered_at,
        orders.paid_at,
        orders.paid_dt,
        CASE WHEN orders.currency = $currency THEN CAST(1 AS DECIMAL(20, 8)) ELSE fx.rate END AS rate
    FROM order_versions AS orders
    LEFT JOIN config.fx
        ON
            fx.day = orders.paid_dt
            AND fx.currency = orders.currency
    WHERE
        orders.version_no = 1
        AND orders.status IN ('paid', 'refunded')
        AND orders.paid_at IS NOT NULL
        AND orders.paid_dt BETWEEN $from_dt AND $to_dt
),

line_versions AS (
    SELECT
        order_id,
        line_no,
        sku,
        quantity,
        unit_price,
        COALESCE(discount, 0) AS discount,
        unit_cost,
        refunded_amount,
        ROW_NUMBER() OVER (
            PARTITION BY order_id, line_no
            ORDER BY updated_at DESC NULLS LAST, record_hash DESC
        ) AS version_no
    FROM raw.order_lines
),

refund_versions AS (
    SELECT
        order_id,
        line_no,
        amount,
        ROW_NUMBER() OVER (
            PARTITION BY order_id, line_no, refund_id
            ORDER BY updated_at DESC NULLS LAST, record_hash DESC
        ) AS version_no
    FROM raw.refunds
),

-- Each refund is converted and rounded separately, so that refunded equals the sum of the line's rows in core.refunds.
dated_refunds AS (
    SELECT
        refunds.order_id,
        refunds.line_no,
        SUM(TRY_CAST(refunds.amount * orders.rate AS DECIMAL(18, 4))) AS amount
    FROM refund_versions AS refunds
    INNER JOIN paid_orders AS orders USING (order_id)
    WHERE refunds.version_no = 1
    GROUP BY refunds.order_id, refunds.line_no
),

-- Orders with at least one stated refund. An order with status 'refunded' and no stated refund is refunded in full.
stated_refunds AS (
    SELECT order_id
    FROM raw.refunds
    UNION DISTINCT
    SELECT order_id
    FROM line_versions
    WHERE
        version_no = 1
        AND quantity > 0
        AND refunded_amount > 0
),

amounts AS (
    SELECT
        lines.order_id,
        lines.line_no,
        orders.user_id,
        lines.sku,
        COALESCE(products.product_id, lines.sku) AS product_id,
        lines.quantity,
        TRY_CAST(
            (CAST(lines.quantity AS DECIMAL(20, 0)) * lines.unit_price - lines.discount) * orders.rate AS DECIMAL(18, 4)
        ) AS revenue,
        CAST(
            COALESCE(refunds.amount, TRY_CAST(lines.refunded_amount * orders.rate AS DECIMAL(18, 4)), 0) AS DECIMAL(18, 4)
        ) AS stated_refund,
        orders.status = 'refunded' AND stated_refunds.order_id IS NULL AS is_refunded_by_status,
        -- The unit_cost of a line is in the order's currency, the unit_cost of a product in the reporting currency.
        CASE
            WHEN lines.unit_cost IS NOT NULL
                THEN TRY_CAST(CAST(lines.quantity AS DECIMAL(20, 0)) * lines.unit_cost * orders.rate AS DECIMAL(18, 4))
            ELSE TRY_CAST(CAST(lines.quantity AS DECIMAL(20, 0)) * products.unit_cost AS DECIMAL(18, 4))
        END AS cost,
        orders.ordered_at,
        orders.paid_at,
        orders.paid_dt AS dt
    FROM line_versions AS lines
    INNER JOIN paid_orders AS orders USING (order_id)
    LEFT JOIN dated_refunds AS refunds USING (order_id, line_no)
    LEFT JOIN stated_refunds USING (order_id)
    LEFT JOIN core.products AS products USING (sku)
    WHERE
        lines.version_no = 1
        AND lines.quantity > 0
),

net_amounts AS (
    SELECT
        amounts.* EXCLUDE (stated_refund, is_refunded_by_status),
        CASE WHEN is_refunded_by_status AND revenue > 0 THEN revenue ELSE stated_refund END AS refunded
    FROM amounts
)

SELECT
    net_amounts.*,
    CAST(revenue - refunded AS DECIMAL(18, 4)) AS net_revenue,
    CAST(revenue - refunded - cost AS DECIMAL(18, 4)) AS margin
FROM net_amounts
