/* model
description: >
  Customers and money of each octant and each segment as of the end of the day. Octants and segments without customers
  have a row too.
grain: [dt, kind, key]
partition: dt
as_of: true
columns:
  dt: {type: DATE, description: business day; the row describes its end}
  kind: {type: VARCHAR, description: octant or segment}
  key: {type: VARCHAR, description: key in config/segments.csv}
  customers: {type: BIGINT, description: customers in the octant or segment; a customer has a paid order in the window}
  orders: {type: BIGINT, description: their paid orders in the window}
  net_revenue: {type: "DECIMAL(18,4)", description: "Σ their net revenue, reporting currency"}
  customer_share: {type: DOUBLE, description: share of all customers}
  revenue_share: {type: DOUBLE, description: share of the net revenue of all customers; null unless the total is above 0}
  average_order_value: {type: DOUBLE, description: net_revenue / orders}
  average_recency_days: {type: DOUBLE, description: mean of recency_days}
*/
WITH keys AS (
    SELECT
        'octant' AS kind,
        key
    FROM config.octants
    UNION ALL
    SELECT
        'segment' AS kind,
        segment AS key
    FROM config.segments
),

members AS (
    SELECT
        'octant' AS kind,
        octant AS key,
        recency_days,
        orders,
        net_revenue
    FROM customers.rfm
    WHERE dt = $dt
    UNION ALL
    SELECT
        'segment' AS kind,
        segment AS key,
        recency_days,
        orders,
        net_revenue
    FROM customers.rfm
    WHERE dt = $dt
),

groups AS (
    SELECT
        kind,
        key,
        COUNT(*) AS customers,
        SUM(orders) AS orders,
        SUM(net_revenue) AS net_revenue,
        AVG(recency_days) AS average_recency_days
    FROM members
    GROUP BY kind, key
),

totals AS (
    SELECT
        kind,
        SUM(customers) AS customers,
        SUM(net_revenue) AS net_revenue
    FROM groups
    GROUP BY kind
)

SELECT
    $dt AS dt,
    kind,
    key,
    CAST(COALESCE(groups.customers, 0) AS BIGINT) AS customers,
    CAST(COALESCE(groups.orders, 0) AS BIGINT) AS orders,
    CAST(COALESCE(groups.net_revenue, 0) AS DECIMAL(18, 4)) AS net_revenue,
    CAST(COALESCE(groups.customers, 0) AS DOUBLE) / NULLIF(totals.customers, 0) AS customer_share,
    CASE
        WHEN totals.net_revenue > 0
            THEN CAST(COALESCE(groups.net_revenue, 0) AS DOUBLE) / NULLIF(CAST(totals.net_revenue AS DOUBLE), 0)
    END AS revenue_share,
    CAST(groups.net_revenue AS DOUBLE) / NULLIF(groups.orders, 0) AS average_order_value,
    groups.average_recency_days
FROM keys
LEFT JOIN totals USING (kind)
LEFT JOIN groups USING (kind, key)
