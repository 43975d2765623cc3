/* check
model: customers.rfm
severity: error
description: The customers' net revenue sums to the revenue of the window's order lines that have a user, less the refunds of these lines made by the day.
remedy: Compare customers.rfm_values of that day with core.order_lines and core.refunds of its window; a customer, a line or a refund was lost or counted twice.
reads: {core.order_lines: rfm_window_days - 1, core.refunds: rfm_window_days - 1}
*/
WITH sold AS (
    SELECT SUM(revenue) AS amount
    FROM core.order_lines
    WHERE
        dt BETWEEN $from_dt - ($rfm_window_days - 1) AND $to_dt
        AND user_id IS NOT NULL
),

refunds AS (
    SELECT
        order_id,
        line_no,
        amount
    FROM core.refunds
    WHERE
        dt BETWEEN $from_dt - ($rfm_window_days - 1) AND $to_dt
        AND user_id IS NOT NULL
),

refunded AS (
    SELECT SUM(refunds.amount) AS amount
    FROM core.order_lines AS lines
    INNER JOIN refunds
        ON
            refunds.order_id = lines.order_id
            AND refunds.line_no = lines.line_no
    WHERE lines.dt BETWEEN $from_dt - ($rfm_window_days - 1) AND $to_dt
),

customers AS (
    SELECT SUM(net_revenue) AS amount
    FROM customers.rfm
    WHERE dt BETWEEN $from_dt AND $to_dt
)

SELECT
    $to_dt AS dt,
    sold.amount AS revenue,
    refunded.amount AS refunded,
    customers.amount AS net_revenue
FROM sold
CROSS JOIN refunded
CROSS JOIN customers
WHERE COALESCE(sold.amount, 0) - COALESCE(refunded.amount, 0) <> COALESCE(customers.amount, 0)
