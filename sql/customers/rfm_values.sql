/* model
description: >
  Recency, frequency and money of each customer with a paid order in the trailing window, as of the end of the day. A
  refund counts from the day on which it was made: it lowers the money and never makes or removes a purchase.
grain: [dt, user_id]
partition: dt
as_of: true
reads: {core.order_lines: rfm_window_days - 1, core.refunds: rfm_window_days - 1}
columns:
  dt: {type: DATE, description: the day at whose end this is so}
  user_id: {type: VARCHAR, description: customer}
  first_paid_on: {type: DATE, description: business day of the first paid order in the window}
  last_paid_on: {type: DATE, description: business day of the last paid order}
  recency_days: {type: INTEGER, description: days from the last paid order to dt}
  frequency: {type: INTEGER, description: "paid orders, or days with one (setting rfm.frequency)"}
  monetary: {type: "DECIMAL(18,4)", description: "net revenue, or its mean per order (setting rfm.monetary)"}
  orders: {type: INTEGER, description: paid orders}
  net_revenue: {type: "DECIMAL(18,4)", description: revenue − refunds made by dt of these orders' lines}
*/
WITH refunds AS (
    SELECT
        order_id,
        line_no,
        SUM(amount) AS amount
    FROM core.refunds
    WHERE dt BETWEEN $dt - ($rfm_window_days - 1) AND $dt
    GROUP BY order_id, line_no
),

lines AS (
    SELECT
        sold.user_id,
        sold.order_id,
        sold.dt,
        sold.revenue - COALESCE(refunds.amount, 0) AS net_revenue
    FROM core.order_lines AS sold
    LEFT JOIN refunds
        ON
            refunds.order_id = sold.order_id
            AND refunds.line_no = sold.line_no
    WHERE
        sold.dt BETWEEN $dt - ($rfm_window_days - 1) AND $dt
        AND sold.user_id IS NOT NULL
),

customers AS (
    SELECT
        user_id,
        MIN(dt) AS first_paid_on,
        MAX(dt) AS last_paid_on,
        COUNT(DISTINCT order_id) AS orders,
        COUNT(DISTINCT dt) AS days,
        CAST(COALESCE(SUM(net_revenue), 0) AS DECIMAL(18, 4)) AS net_revenue
    FROM lines
    GROUP BY user_id
)

SELECT
    $dt AS dt,
    user_id,
    first_paid_on,
    last_paid_on,
    CAST(DATE_DIFF('day', last_paid_on, $dt) AS INTEGER) AS recency_days,
    CAST(CASE WHEN $rfm_frequency = 'days' THEN days ELSE orders END AS INTEGER) AS frequency,
    CASE
        WHEN $rfm_monetary = 'mean'
            THEN CAST(
                CAST(FLOOR(CAST(net_revenue AS DOUBLE) / NULLIF(orders, 0) * 10000 + 0.5) AS BIGINT) * 0.0001
                AS DECIMAL(18, 4)
            )
        ELSE net_revenue
    END AS monetary,
    CAST(orders AS INTEGER) AS orders,
    net_revenue
FROM customers
