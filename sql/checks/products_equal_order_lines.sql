/* check
model: products.daily
severity: error
description: The products' order lines, units, revenue, cost and refunds sum to those of the day, and their exposures, clicks, add-to-carts and views to its events.
remedy: Compare products.daily with core.order_lines, core.refunds, attribution.attributed_events and core.events of that day; something was lost or counted twice.
*/
WITH parts AS (
    SELECT
        dt,
        COUNT(*) AS order_lines,
        SUM(quantity) AS units,
        SUM(revenue) AS revenue,
        SUM(COALESCE(cost, 0)) AS cost,
        COUNT(*) FILTER (WHERE cost IS NULL) AS lines_without_cost,
        0 AS refunded,
        0 AS exposures,
        0 AS product_clicks,
        0 AS add_to_carts,
        0 AS views
    FROM core.order_lines
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt
    UNION ALL
    SELECT
        dt,
        0 AS order_lines,
        0 AS units,
        0 AS revenue,
        0 AS cost,
        0 AS lines_without_cost,
        SUM(amount) AS refunded,
        0 AS exposures,
        0 AS product_clicks,
        0 AS add_to_carts,
        0 AS views
    FROM core.refunds
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt
    UNION ALL
    SELECT
        dt,
        0 AS order_lines,
        0 AS units,
        0 AS revenue,
        0 AS cost,
        0 AS lines_without_cost,
        0 AS refunded,
        COUNT(*) FILTER (WHERE end_type = 'exposure') AS exposures,
        COUNT(*) FILTER (WHERE end_type = 'click') AS product_clicks,
        COUNT(*) FILTER (WHERE end_type = 'add_to_cart') AS add_to_carts,
        0 AS views
    FROM attribution.attributed_events
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt
    UNION ALL
    SELECT
        dt,
        0 AS order_lines,
        0 AS units,
        0 AS revenue,
        0 AS cost,
        0 AS lines_without_cost,
        0 AS refunded,
        0 AS exposures,
        0 AS product_clicks,
        0 AS add_to_carts,
        COUNT(*) AS views
    FROM core.events
    WHERE
        dt BETWEEN $from_dt AND $to_dt
        AND event_type = 'page_view'
        AND sku IS NOT NULL
    GROUP BY dt
),

expected AS (
    SELECT
        dt,
        SUM(order_lines) AS order_lines,
        SUM(units) AS units,
        SUM(revenue) AS revenue,
        SUM(cost) AS cost,
        SUM(lines_without_cost) AS lines_without_cost,
        SUM(refunded) AS refunded,
        SUM(exposures) AS exposures,
        SUM(product_clicks) AS product_clicks,
        SUM(add_to_carts) AS add_to_carts,
        SUM(views) AS views
    FROM parts
    GROUP BY dt
),

found AS (
    SELECT
        dt,
        SUM(order_lines) AS order_lines,
        SUM(units) AS units,
        SUM(revenue) AS revenue,
        SUM(cost) AS cost,
        SUM(lines_without_cost) AS lines_without_cost,
        SUM(refunded) AS refunded,
        SUM(exposures) AS exposures,
        SUM(product_clicks) AS product_clicks,
        SUM(add_to_carts) AS add_to_carts,
        SUM(views) AS views
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
    expected.cost AS expected_cost,
    found.cost,
    expected.lines_without_cost AS expected_lines_without_cost,
    found.lines_without_cost,
    expected.refunded AS expected_refunded,
    found.refunded,
    expected.exposures AS expected_exposures,
    found.exposures,
    expected.product_clicks AS expected_product_clicks,
    found.product_clicks,
    expected.add_to_carts AS expected_add_to_carts,
    found.add_to_carts,
    expected.views AS expected_views,
    found.views
FROM expected
FULL JOIN found ON found.dt = expected.dt
WHERE
    COALESCE(expected.order_lines, 0) <> COALESCE(found.order_lines, 0)
    OR COALESCE(expected.units, 0) <> COALESCE(found.units, 0)
    OR COALESCE(expected.revenue, 0) <> COALESCE(found.revenue, 0)
    OR COALESCE(expected.cost, 0) <> COALESCE(found.cost, 0)
    OR COALESCE(expected.lines_without_cost, 0) <> COALESCE(found.lines_without_cost, 0)
    OR COALESCE(expected.refunded, 0) <> COALESCE(found.refunded, 0)
    OR COALESCE(expected.exposures, 0) <> COALESCE(found.exposures, 0)
    OR COALESCE(expected.product_clicks, 0) <> COALESCE(found.product_clicks, 0)
    OR COALESCE(expected.add_to_carts, 0) <> COALESCE(found.add_to_carts, 0)
    OR COALESCE(expected.views, 0) <> COALESCE(found.views, 0)
