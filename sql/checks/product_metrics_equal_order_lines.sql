/* check
model: products.metrics
severity: error
description: In each window the products' order lines, units and revenue sum to those of the order lines of its days.
remedy: Compare products.metrics with products.daily and core.order_lines of the days of that window; something was lost or counted twice.
reads: {core.order_lines: products_longest_window - 1}
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
        COUNT(*) AS order_lines,
        SUM(quantity) AS units,
        SUM(revenue) AS revenue
    FROM core.order_lines
    WHERE dt BETWEEN $from_dt - ($products_longest_window - 1) AND $to_dt
    GROUP BY dt
),

expected AS (
    SELECT
        windows.dt,
        windows.window_days,
        SUM(days.order_lines) AS order_lines,
        SUM(days.units) AS units,
        SUM(days.revenue) AS revenue
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
        SUM(revenue) AS revenue
    FROM products.metrics
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt, window_days
)

SELECT
    COALESCE(expected.dt, found.dt) AS dt,
    COALESCE(expected.window_days, found.window_days) AS window_days,
    expected.order_lines AS expected_order_lines,
    found.order_lines,
    expected.units AS expected_units,
    found.units,
    expected.revenue AS expected_revenue,
    found.revenue
FROM expected
FULL JOIN found
    ON
        found.dt = expected.dt
        AND found.window_days = expected.window_days
WHERE
    COALESCE(expected.order_lines, 0) <> COALESCE(found.order_lines, 0)
    OR COALESCE(expected.units, 0) <> COALESCE(found.units, 0)
    OR COALESCE(expected.revenue, 0) <> COALESCE(found.revenue, 0)
