/* check
model: products.metrics
severity: error
description: In each window the products' additive figures sum to the figures of its days in products.daily.
remedy: Compare products.metrics with products.daily of the days of that window; a row was lost or counted twice.
reads: {products.daily: products_longest_window - 1}
*/
WITH windows AS (
    SELECT
        CAST(days.dt AS DATE) AS dt,
        CAST(lengths.window_days AS INTEGER) AS window_days
    FROM UNNEST(GENERATE_SERIES($from_dt, $to_dt, INTERVAL 1 DAY)) AS days (dt)
    CROSS JOIN UNNEST(GENERATE_SERIES(1, $products_longest_window, 1)) AS lengths (window_days)
    WHERE lengths.window_days IN ($products_windows)
),

days AS (
    SELECT
        dt,
        SUM(order_lines) AS order_lines,
        SUM(units) AS units,
        SUM(revenue) AS revenue,
        SUM(lines_without_cost) AS lines_without_cost,
        SUM(refunded) AS refunded,
        SUM(exposures) AS exposures,
        SUM(product_clicks) AS product_clicks,
        SUM(add_to_carts) AS add_to_carts,
        SUM(views) AS views
    FROM products.daily
    WHERE dt BETWEEN $from_dt - ($products_longest_window - 1) AND $to_dt
    GROUP BY dt
),

expected AS (
    SELECT
        windows.dt,
        windows.window_days,
        SUM(days.order_lines) AS order_lines,
        SUM(days.units) AS units,
        SUM(days.revenue) AS revenue,
        SUM(days.lines_without_cost) AS lines_without_cost,
        SUM(days.refunded) AS refunded,
        SUM(days.exposures) AS exposures,
        SUM(days.product_clicks) AS product_clicks,
        SUM(days.add_to_carts) AS add_to_carts,
        SUM(days.views) AS views
    FROM windows
    INNER JOIN days
        ON
            days.dt > windows.dt - windows.window_days
            AND days.dt <= windows.dt
    GROUP BY windows.dt, windows.window_days
),

found AS (
    SELECT
        dt,
        window_days,
        SUM(order_lines) AS order_lines,
        SUM(units) AS units,
        SUM(revenue) AS revenue,
        SUM(lines_without_cost) AS lines_without_cost,
        SUM(refunded) AS refunded,
        SUM(exposures) AS exposures,
        SUM(product_clicks) AS product_clicks,
        SUM(add_to_carts) AS add_to_carts,
        SUM(views) AS views
    FROM products.metrics
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt, window_days
)

SELECT
    dt,
    window_days,
    expected.order_lines AS expected_order_lines,
    found.order_lines,
    expected.units AS expected_units,
    found.units,
    expected.revenue AS expected_revenue,
    found.revenue,
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
FULL JOIN found USING (dt, window_days)
WHERE
    COALESCE(expected.order_lines, 0) <> COALESCE(found.order_lines, 0)
    OR COALESCE(expected.units, 0) <> COALESCE(found.units, 0)
    OR COALESCE(expected.revenue, 0) <> COALESCE(found.revenue, 0)
    OR COALESCE(expected.lines_without_cost, 0) <> COALESCE(found.lines_without_cost, 0)
    OR COALESCE(expected.refunded, 0) <> COALESCE(found.refunded, 0)
    OR COALESCE(expected.exposures, 0) <> COALESCE(found.exposures, 0)
    OR COALESCE(expected.product_clicks, 0) <> COALESCE(found.product_clicks, 0)
    OR COALESCE(expected.add_to_carts, 0) <> COALESCE(found.add_to_carts, 0)
    OR COALESCE(expected.views, 0) <> COALESCE(found.views, 0)
