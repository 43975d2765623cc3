/* check
model: products.quadrants
severity: error
description: Each matrix has each product of products.metrics once, in the quadrant that follows from its values on both axes, or as unknown with the reason. The revenue of its products sums to the revenue of products.metrics.
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
        products.*,
        matrices.matrix_id
    FROM products
    CROSS JOIN config.matrices AS matrices
),

sides AS (
    SELECT
        quadrants.dt,
        quadrants.window_days,
        quadrants.matrix_id,
        quadrants.product_id,
        quadrants.revenue,
        quadrants.is_small_sample,
        axes.axis,
        axes.is_low_high,
        CASE axes.axis WHEN 'x' THEN quadrants.x_value ELSE quadrants.y_value END AS value,
        CASE axes.axis WHEN 'x' THEN quadrants.x_raw_value ELSE quadrants.y_raw_value END AS raw_value,
        CASE axes.axis WHEN 'x' THEN quadrants.x_threshold ELSE quadrants.y_threshold END AS threshold,
        CASE axes.axis WHEN 'x' THEN quadrants.x_high ELSE quadrants.y_high END AS is_high,
        CASE
            WHEN quadrants.x_high IS NULL OR quadrants.y_high IS NULL
                THEN quadrants.quadrant = 'unknown' AND quadrants.unknown_metrics IS NOT NULL
            ELSE
                quadrants.unknown_metrics IS NULL
                AND cells.code
                = CASE WHEN quadrants.x_high THEN '1' ELSE '0' END || CASE WHEN quadrants.y_high THEN '1' ELSE '0' END
        END AS is_placed
    FROM products.quadrants AS quadrants
    INNER JOIN config.axes AS axes ON axes.matrix_id = quadrants.matrix_id
    LEFT JOIN config.cells
        ON
            cells.matrix_id = quadrants.matrix_id
            AND cells.key = quadrants.quadrant
    WHERE quadrants.dt BETWEEN $from_dt AND $to_dt
),

-- Within the hysteresis band earlier days decide, so the check allows both sides. It also allows that a small sample is
-- low although its value is above the band: a small sample is high only if it is so even with one success fewer.
judged AS (
    SELECT
        sides.*,
        CASE
            WHEN is_high <> is_low_high
                THEN
                    CASE
                        WHEN NOT is_low_high THEN value
                        WHEN NOT is_small_sample THEN GREATEST(value, raw_value)
                    END < threshold - 1.000001 * $products_hysteresis * ABS(threshold)
            ELSE
                CASE
                    WHEN is_low_high THEN value
                    WHEN NOT is_small_sample THEN LEAST(value, raw_value)
                END > threshold + 1.000001 * $products_hysteresis * ABS(threshold)
        END AS is_on_the_wrong_side
    FROM sides
),

found AS (
    SELECT
        dt,
        window_days,
        matrix_id,
        COUNT(*) FILTER (WHERE axis = 'x') AS products,
        SUM(revenue) FILTER (WHERE axis = 'x') AS revenue,
        COUNT(DISTINCT product_id) FILTER (WHERE is_on_the_wrong_side OR NOT COALESCE(is_placed, FALSE)) AS misplaced
    FROM judged
    GROUP BY dt, window_days, matrix_id
)

SELECT
    dt,
    window_days,
    matrix_id,
    expected.products AS expected_products,
    found.products,
    found.misplaced,
    expected.revenue AS expected_revenue,
    found.revenue
FROM expected
FULL JOIN found USING (dt, window_days, matrix_id)
WHERE
    COALESCE(expected.products, 0) <> COALESCE(found.products, 0)
    OR COALESCE(expected.revenue, 0) <> COALESCE(found.revenue, 0)
    OR COALESCE(found.misplaced, 0) > 0
