-- Products as of a day.

-- query window_days: The lengths of the windows, in days.
SELECT DISTINCT window_days FROM products.quadrants WHERE dt = $day ORDER BY 1;

-- query products: The products over a window, with their quadrants.
SELECT metrics.*, coalesce(names.name, metrics.product_id) AS name, quadrants.quadrant, quadrants.unknown_metrics,
    quadrants.days_in_quadrant
FROM products.metrics AS metrics
LEFT JOIN products.names AS names ON names.product_id = metrics.product_id
LEFT JOIN products.quadrants AS quadrants
    ON quadrants.dt = metrics.dt AND quadrants.window_days = metrics.window_days
    AND quadrants.product_id = metrics.product_id AND quadrants.matrix_id = $matrix
WHERE metrics.dt = $day AND metrics.window_days = $window
ORDER BY metrics.revenue DESC, metrics.exposures DESC, metrics.product_id;

-- query unknown: Number of products by matrix, window, whether they have a quadrant, and the metrics that they lack.
SELECT matrix_id, window_days, unknown_metrics, x_high IS NOT NULL AND y_high IS NOT NULL AS is_placed,
    count(*) AS products
FROM products.quadrants WHERE dt = $day GROUP BY ALL ORDER BY ALL;

-- query quadrants: The products of a matrix over a window.
SELECT now.*, coalesce(names.name, now.product_id) AS name,
    coalesce(
        now.previous_quadrant <> now.quadrant AND now.days_in_quadrant <= now.window_days
        AND 'unknown' NOT IN (now.previous_quadrant, now.quadrant), FALSE
    ) AS has_moved,
    before.x_value AS x_before, before.y_value AS y_before,
    before.x_threshold AS x_threshold_before, before.y_threshold AS y_threshold_before
FROM products.quadrants AS now
LEFT JOIN products.names AS names ON names.product_id = now.product_id
LEFT JOIN products.quadrants AS before
    ON before.dt = $day - $window AND before.window_days = $window AND before.matrix_id = $matrix
    AND before.product_id = now.product_id
WHERE now.dt = $day AND now.window_days = $window AND now.matrix_id = $matrix
ORDER BY now.revenue DESC NULLS LAST, now.product_id;

-- query health: The result of each rule of a healthy portfolio, by matrix.
SELECT * FROM products.portfolio_health WHERE dt = $day ORDER BY matrix_id, rule;

-- query moves: Number of products that moved from one quadrant to another.
SELECT from_key, to_key, products AS members
FROM products.quadrant_migration
WHERE dt = $day AND window_days = $window AND matrix_id = $matrix
ORDER BY products DESC, from_key, to_key;

-- query matrices: The matrices of the configuration.
SELECT * FROM config.matrices ORDER BY position;

-- query cells: The quadrants of the matrices.
SELECT * FROM config.cells ORDER BY matrix_id, code DESC;

-- query axes: The axes of the matrices.
SELECT matrix_id, axis, metric, is_low_high FROM config.axes;

-- query new_for: Number of days for which a product counts as new.
SELECT CAST(max(argument) AS BIGINT) AS days FROM config.axes WHERE metric = 'days_since_launch';

-- query launched: New products by days since their launch.
WITH launched AS (
    SELECT catalog.product_id, coalesce(names.name, catalog.product_id) AS name, catalog.category, catalog.launched_on,
        $day - catalog.launched_on AS days_since_launch
    FROM products.catalog AS catalog LEFT JOIN products.names AS names ON names.product_id = catalog.product_id
    WHERE catalog.launched_on BETWEEN $day - $days AND $day
)
SELECT launched.*, daily.dt - launched.launched_on AS age,
    coalesce(CAST(sum(daily.exposures) AS BIGINT), 0) AS exposures, coalesce(CAST(sum(daily.views) AS BIGINT), 0) AS views,
    coalesce(CAST(sum(daily.units) AS BIGINT), 0) AS units, coalesce(sum(daily.revenue), 0) AS revenue
FROM launched
LEFT JOIN products.daily AS daily
    ON daily.product_id = launched.product_id AND daily.dt BETWEEN launched.launched_on AND $day
GROUP BY ALL ORDER BY launched.product_id, age;

-- query assortment_window: The longest window of products.assortment.
SELECT max(window_days) AS days FROM products.assortment WHERE dt = $day;

-- query classes: Products and sales by sales class, ABC and XYZ class.
SELECT sales_class, abc_class, xyz_class, count(*) AS products, METRICS(revenue, units),
    count(*) FILTER (WHERE units <= 0) AS unsold
FROM products.assortment WHERE dt = $day AND window_days = $window GROUP BY ALL ORDER BY ALL;

-- query metrics_window: The longest window of products.metrics.
SELECT max(window_days) AS days FROM products.metrics WHERE dt = $day;

-- query sold: Number and sales of the products sold: of all, and of those without a known cost.
SELECT count(*) AS products, METRICS(revenue), count(*) FILTER (WHERE margin IS NULL) AS without_cost,
    sum(revenue) FILTER (WHERE margin IS NULL) AS revenue_without
FROM products.metrics WHERE dt = $day AND window_days = $window AND order_lines > 0;

-- query without_cost: The products without a known cost.
SELECT metrics.product_id, coalesce(names.name, metrics.product_id) AS name, metrics.category, metrics.revenue,
    metrics.order_lines, metrics.lines_without_cost
FROM products.metrics AS metrics LEFT JOIN products.names AS names ON names.product_id = metrics.product_id
WHERE dt = $day AND window_days = $window AND order_lines > 0 AND margin IS NULL
ORDER BY revenue DESC, metrics.product_id;
