/* model
description: >
  Recency, frequency and money of each customer with a paid order in the trailing window, as of the end of the day. A
  refund counts from the day on which it was made. It reduces the money, but never adds or removes a purchase.
grain: [dt, user_id]
partition: dt
as_of: true
reads: {core.order_lines: rfm_window_days - 1, core.refunds: rfm_window_days - 1}
columns:
  dt: {type: DATE, description: business day; the row describes its end}
  user_id: {type: VARCHAR, description: customer with a paid order in the window}
  first_paid_on: {type: DATE, description: business day of the first paid order in the window}
  last_paid_on: {type: DATE, description: business day of the last paid order in the window}
  recency_days: {type: INTEGER, description: days from the last paid order to dt}
  frequency: {type: INTEGER, description: "paid orders, or days with a paid order (setting rfm.frequency)"}
  monetary: {type: "DECIMAL(18,4)", description: "net revenue, or mean net revenue of an order (setting rfm.monetary), reporting currency"}
  orders: {type: INTEGER, description: paid orders in the window}
  net_revenue: {type: "DECIMAL(18,4)", description: "revenue of the window's orders − refunds of them made by dt, reporting currency"}
*/
WITH lines AS (
    SELECT
        user_id,
        order_id,
        dt,
        revenue AS net_revenue
    FROM core.order_lines
    WHERE
        dt BETWEEN $dt - ($rfm_window_days - 1) AND $dt
        AND user_id IS NOT NULL
    UNION ALL
    SELECT
        user_id,
        order_id,
        CAST(NULL AS DATE) AS dt,
        -amount AS net_revenue
    FROM core.refunds
    WHERE
        dt BETWEEN $dt - ($rfm_window_days - 1) AND $dt
        AND user_id IS NOT NULL
),

-- All lines of an order have one user and one day of payment. HAVING removes orders that were paid before the window,
-- which have only refunds here. Counting these rows is faster than counting distinct orders in lines.
orders AS (
    SELECT
        user_id,
        order_id,
        MAX(dt) AS dt,
        SUM(net_revenue) AS net_revenue
    FROM lines
    GROUP BY user_id, order_id
    HAVING MAX(dt) IS NOT NULL
),

customers AS (
    SELECT
        user_id,
        MIN(dt) AS first_paid_on,
        MAX(dt) AS last_paid_on,
        COUNT(*) AS orders,
        CAST(COALESCE(SUM(net_revenue), 0) AS DECIMAL(18, 4)) AS net_revenue
    FROM orders
    GROUP BY user_id
),

-- Empty unless the setting rfm.frequency is days.
customer_days AS (
    SELECT
        user_id,
        COUNT(DISTINCT dt) AS days
    FROM orders
    WHERE $rfm_frequency = 'days'
    GROUP BY user_id
)

SELECT
    $dt AS dt,
    customers.user_id,
    customers.first_paid_on,
    customers.last_paid_on,
    CAST(DATE_DIFF('day', customers.last_paid_on, $dt) AS INTEGER) AS recency_days,
    CAST(COALESCE(customer_days.days, customers.orders) AS INTEGER) AS frequency,
    CASE
        WHEN $rfm_monetary = 'mean'
            THEN CAST(
                CAST(FLOOR(CAST(customers.net_revenue AS DOUBLE) / NULLIF(customers.orders, 0) * 10000 + 0.5) AS BIGINT)
                * 0.0001 AS DECIMAL(18, 4)
            )
        ELSE customers.net_revenue
    END AS monetary,
    CAST(customers.orders AS INTEGER) AS orders,
    customers.net_revenue
FROM customers
LEFT JOIN customer_days ON customer_days.user_id = customers.user_id
