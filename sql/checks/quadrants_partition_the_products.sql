/* check
model: products.quadrants
severity: error
description: In each matrix each product of products.metrics is once, in the quadrant of its two sides, which go by its values, or in none with the reason, and the products have all the revenue.
remedy: Compare products.quadrants with products.metrics of that day and window and with config/matrices.yaml; a product was lost or put into a wrong cell.
*/
WITH products AS (
    SELECT
        dt,
        window_days,
        COUNT(*) AS products,
        SUM(revenue) AS revenue
    FROM products.metrics
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt, window_days
),

expected AS (
    SELECT
        products.dt,
        products.window_days,
        matrices.matrix_id,
        products.products,
        products.revenue
    FROM products
    CROSS JOIN config.matrices AS matrices
),

directions AS (
    SELECT
        matrix_id,
        BOOL_OR(axis = 'x' AND is_low_high) AS x_is_low_high,
        BOOL_OR(axis = 'y' AND is_low_high) AS y_is_low_high
    FROM config.axes
    GROUP BY matrix_id
),

-- Within the band the history decides; a rate beyond it may be of the other side all the same, if its sample is small.
placed AS (
    SELECT
        quadrants.dt,
        quadrants.window_days,
        quadrants.matrix_id,
        quadrants.revenue,
        CASE
            WHEN quadrants.x_high IS NULL OR quadrants.y_high IS NULL
                THEN quadrants.quadrant = 'unknown' AND quadrants.unknown_metrics IS NOT NULL
            ELSE
                quadrants.unknown_metrics IS NULL
                AND cells.code
                = CASE WHEN quadrants.x_high THEN '1' ELSE '0' END || CASE WHEN quadrants.y_high THEN '1' ELSE '0' END
        END AS is_placed,
        COALESCE(
            CASE
                WHEN quadrants.x_high <> directions.x_is_low_high
                    THEN
                        CASE
                            WHEN NOT directions.x_is_low_high THEN quadrants.x_value
                            WHEN NOT quadrants.is_small_sample THEN GREATEST(quadrants.x_value, quadrants.x_raw_value)
                        END < quadrants.x_threshold - 1.000001 * $products_hysteresis * ABS(quadrants.x_threshold)
                ELSE
                    CASE
                        WHEN directions.x_is_low_high THEN quadrants.x_value
                        WHEN NOT quadrants.is_small_sample THEN LEAST(quadrants.x_value, quadrants.x_raw_value)
                    END > quadrants.x_threshold + 1.000001 * $products_hysteresis * ABS(quadrants.x_threshold)
            END,
            FALSE
        )
        OR COALESCE(
            CASE
                WHEN quadrants.y_high <> directions.y_is_low_high
                    THEN
                        CASE
                            WHEN NOT directions.y_is_low_high THEN quadrants.y_value
                            WHEN NOT quadrants.is_small_sample THEN GREATEST(quadrants.y_value, quadrants.y_raw_value)
                        END < quadrants.y_threshold - 1.000001 * $products_hysteresis * ABS(quadrants.y_threshold)
                ELSE
                    CASE
                        WHEN directions.y_is_low_high THEN quadrants.y_value
                        WHEN NOT quadrants.is_small_sample THEN LEAST(quadrants.y_value, quadrants.y_raw_value)
                    END > quadrants.y_threshold + 1.000001 * $products_hysteresis * ABS(quadrants.y_threshold)
            END,
            FALSE
        ) AS is_on_the_wrong_side
    FROM products.quadrants AS quadrants
    INNER JOIN directions ON directions.matrix_id = quadrants.matrix_id
    LEFT JOIN config.cells
        ON
            cells.matrix_id = quadrants.matrix_id
            AND cells.key = quadrants.quadrant
    WHERE quadrants.dt BETWEEN $from_dt AND $to_dt
),

found AS (
    SELECT
        dt,
        window_days,
        matrix_id,
        COUNT(*) AS products,
        COUNT(*) FILTER (WHERE is_on_the_wrong_side OR NOT COALESCE(is_placed, FALSE)) AS misplaced,
        SUM(revenue) AS revenue
    FROM placed
    GROUP BY dt, window_days, matrix_id
)

SELECT
    COALESCE(expected.dt, found.dt) AS dt,
    COALESCE(expected.window_days, found.window_days) AS window_days,
    COALESCE(expected.matrix_id, found.matrix_id) AS matrix_id,
    expected.products AS expected_products,
    found.products,
    found.misplaced,
    expected.revenue AS expected_revenue,
    found.revenue
FROM expected
FULL JOIN found
    ON
        found.dt = expected.dt
        AND found.window_days = expected.window_days
        AND found.matrix_id = expected.matrix_id
WHERE
    COALESCE(expected.products, 0) <> COALESCE(found.products, 0)
    OR COALESCE(expected.revenue, 0) <> COALESCE(found.revenue, 0)
    OR COALESCE(found.misplaced, 0) > 0
