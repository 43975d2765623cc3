/* check
model: customers.rfm
severity: error
description: The customers' net revenue sums to the revenue of the window's order lines that have a user, minus the refunds of these lines made by the day.
remedy: Compare customers.rfm_values of that day with core.order_lines and core.refunds of its window; a customer, a line or a refund was lost or counted twice.
reads: {core.order_lines: rfm_window_days - 1, core.refunds: rfm_window_days - 1}
*/
WITH refunds AS (
    SELECT
        order_id,
        line_no,
        SUM(amount) AS amount
    FROM core.refunds
    WHERE dt BETWEEN $from_dt - ($rfm_window_days - 1) AND $to_dt
    GROUP BY order_id, line_no
),

lines AS (
    SELECT
        SUM(sold.revenue) AS revenue,
        SUM(refunds.amount) AS refunded
    FROM core.order_lines AS sold
    LEFT JOIN refunds USING (order_id, line_no)
    WHERE
        sold.dt BETWEEN $from_dt - ($rfm_window_days - 1) AND $to_dt
        AND sold.user_id IS NOT NULL
),

customers AS (
    SELECT SUM(net_revenue) AS net_revenue
    FROM customers.rfm
    WHERE dt BETWEEN $from_dt AND $to_dt
)

SELECT
    $to_dt AS dt,
    lines.revenue,
    lines.refunded,
    customers.net_revenue
FROM lines
CROSS JOIN customers
WHERE COALESCE(lines.revenue, 0) - COALESCE(lines.refunded, 0) <> COALESCE(customers.net_revenue, 0)
