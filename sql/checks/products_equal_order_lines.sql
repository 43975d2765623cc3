/* check
model: products.daily
severity: error
description: The products' order lines, units, revenue and refunds sum to those of the day, and their exposures, clicks and add-to-carts to its ends.
remedy: Compare products.daily with core.order_lines, core.refunds and attribution.attributed_events of that day; something was lost or counted twice.
*/
WITH parts AS (
    SELECT
        dt,
        COUNT(*) AS order_lines,
        SUM(quantity) AS units,
        SUM(revenue) AS revenue,
        0 AS refunded,
        0 AS ends
    FROM core.order_lines
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt
    UNION ALL
    SELECT
        dt,
        0 AS order_lines,
        0 AS units,
        0 AS revenue,
        SUM(amount) AS refunded,
        0 AS ends
    FROM core.refunds
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt
    UNION ALL
    SELECT
        dt,
        0 AS order_lines,
        0 AS units,
        0 AS revenue,
        0 AS refunded,
        COUNT(*) AS ends
    FROM attribution.attributed_events
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt
),

expected AS (
    SELECT
        dt,
        SUM(order_lines) AS order_lines,
        SUM(units) AS units,
        SUM(revenue) AS revenue,
        SUM(refunded) AS refunded,
        SUM(ends) AS ends
    FROM parts
    GROUP BY dt
),

found AS (
    SELECT
        dt,
        SUM(order_lines) AS order_lines,
        SUM(units) AS units,
        SUM(revenue) AS revenue,
        SUM(refunded) AS refunded,
        SUM(exposures + product_clicks + add_to_carts) AS ends
    FROM products.daily
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt
)

SELECT
    COALESCE(expected.dt, found.dt) AS dt,
    expected.order_lines AS expected_order_lines,
    found.order_lines,
    expected.units AS expected_units,
    found.units,
    expected.revenue AS expected_revenue,
    found.revenue,
    expected.refunded AS expected_refunded,
    found.refunded,
    expected.ends AS expected_ends,
    found.ends
FROM expected
FULL JOIN found ON found.dt = expected.dt
WHERE
    COALESCE(expected.order_lines, 0) <> COALESCE(found.order_lines, 0)
    OR COALESCE(expected.units, 0) <> COALESCE(found.units, 0)
    OR COALESCE(expected.revenue, 0) <> COALESCE(found.revenue, 0)
    OR COALESCE(expected.refunded, 0) <> COALESCE(found.refunded, 0)
    OR COALESCE(expected.ends, 0) <> COALESCE(found.ends, 0)
