/* check
model: products.daily
severity: error
description: The products' order lines, units, revenue, cost and refunds sum to the day's order lines and refunds; their exposures, clicks, add-to-carts and views sum to the day's events.
remedy: Compare products.daily with core.order_lines, core.refunds, attribution.attributed_events and core.events of that day; a record was lost or counted twice.
*/
WITH sales AS (
    SELECT
        dt,
        COUNT(*) AS order_lines,
        SUM(quantity) AS units,
        SUM(revenue) AS revenue,
        SUM(cost) AS cost,
        COUNT(*) FILTER (WHERE cost IS NULL) AS lines_without_cost
    FROM core.order_lines
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt
),

refunds AS (
    SELECT
        dt,
        SUM(amount) AS refunded
    FROM core.refunds
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt
),

ends AS (
    SELECT
        dt,
        COUNT(*) FILTER (WHERE end_type = 'exposure') AS exposures,
        COUNT(*) FILTER (WHERE end_type = 'click') AS product_clicks,
        COUNT(*) FILTER (WHERE end_type = 'add_to_cart') AS add_to_carts
    FROM attribution.attributed_events
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt
),

product_views AS (
    SELECT
        dt,
        COUNT(*) AS views
    FROM core.events
    WHERE
        dt BETWEEN $from_dt AND $to_dt
        AND event_type IN ('page_view', 'product_view')
        AND sku IS NOT NULL
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
    dt,
    COALESCE(sales.order_lines, 0) AS expected_order_lines,
    found.order_lines,
    COALESCE(sales.units, 0) AS expected_units,
    found.units,
    COALESCE(sales.revenue, 0) AS expected_revenue,
    found.revenue,
    COALESCE(sales.cost, 0) AS expected_cost,
    found.cost,
    COALESCE(sales.lines_without_cost, 0) AS expected_lines_without_cost,
    found.lines_without_cost,
    COALESCE(refunds.refunded, 0) AS expected_refunded,
    found.refunded,
    COALESCE(ends.exposures, 0) AS expected_exposures,
    found.exposures,
    COALESCE(ends.product_clicks, 0) AS expected_product_clicks,
    found.product_clicks,
    COALESCE(ends.add_to_carts, 0) AS expected_add_to_carts,
    found.add_to_carts,
    COALESCE(product_views.views, 0) AS expected_views,
    found.views
FROM found
FULL JOIN sales USING (dt)
FULL JOIN refunds USING (dt)
FULL JOIN ends USING (dt)
FULL JOIN product_views USING (dt)
WHERE
    COALESCE(sales.order_lines, 0) <> COALESCE(found.order_lines, 0)
    OR COALESCE(sales.units, 0) <> COALESCE(found.units, 0)
    OR COALESCE(sales.revenue, 0) <> COALESCE(found.revenue, 0)
    OR COALESCE(sales.cost, 0) <> COALESCE(found.cost, 0)
    OR COALESCE(sales.lines_without_cost, 0) <> COALESCE(found.lines_without_cost, 0)
    OR COALESCE(refunds.refunded, 0) <> COALESCE(found.refunded, 0)
    OR COALESCE(ends.exposures, 0) <> COALESCE(found.exposures, 0)
    OR COALESCE(ends.product_clicks, 0) <> COALESCE(found.product_clicks, 0)
    OR COALESCE(ends.add_to_carts, 0) <> COALESCE(found.add_to_carts, 0)
    OR COALESCE(product_views.views, 0) <> COALESCE(found.views, 0)
