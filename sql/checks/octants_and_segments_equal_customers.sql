/* check
model: customers.rfm_daily
severity: error
description: Customers, orders and net revenue of all octants, and of all segments, sum to the totals of customers.rfm.
remedy: Compare customers.rfm_daily with customers.rfm of that day; a customer was lost or counted twice.
*/
WITH kinds AS (
    SELECT kind
    FROM UNNEST(['octant', 'segment']) AS known(kind)
),

customers AS (
    SELECT
        dt,
        COUNT(*) AS customers,
        SUM(orders) AS orders,
        SUM(net_revenue) AS net_revenue
    FROM customers.rfm
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt
),

expected AS (
    SELECT
        customers.*,
        kinds.kind
    FROM customers
    CROSS JOIN kinds
),

found AS (
    SELECT
        dt,
        kind,
        SUM(customers) AS customers,
        SUM(orders) AS orders,
        SUM(net_revenue) AS net_revenue
    FROM customers.rfm_daily
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt, kind
)

SELECT
    dt,
    kind,
    expected.customers AS expected_customers,
    found.customers,
    expected.orders AS expected_orders,
    found.orders,
    expected.net_revenue AS expected_net_revenue,
    found.net_revenue
FROM expected
FULL JOIN found USING (dt, kind)
WHERE
    COALESCE(expected.customers, 0) <> COALESCE(found.customers, 0)
    OR COALESCE(expected.orders, 0) <> COALESCE(found.orders, 0)
    OR COALESCE(expected.net_revenue, 0) <> COALESCE(found.net_revenue, 0)
