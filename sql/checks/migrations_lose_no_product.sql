/* check
model: products.quadrant_migration
severity: error
description: For each quadrant, the products with this to_key are all products in it now, and the products with this from_key are all products that were in it before.
remedy: Compare products.quadrant_migration with products.quadrants of that day and of the day one window before; a product was lost or counted twice.
reads: {products.quadrants: products_longest_window}
*/
WITH days AS (
    SELECT
        dt,
        window_days,
        matrix_id,
        quadrant,
        COUNT(*) AS products
    FROM products.quadrants
    WHERE dt BETWEEN $from_dt - $products_longest_window AND $to_dt
    GROUP BY dt, window_days, matrix_id, quadrant
),

moves AS (
    SELECT
        dt,
        window_days,
        matrix_id,
        from_key,
        to_key,
        products
    FROM products.quadrant_migration
    WHERE dt BETWEEN $from_dt AND $to_dt
),

-- Days whose earlier day (``window_days`` before) has quadrants: they must have migration rows, because a product that
-- stays in its quadrant is a row too.
compared AS (
    SELECT DISTINCT
        CAST(dt + window_days AS DATE) AS dt,
        window_days,
        matrix_id
    FROM days
    WHERE CAST(dt + window_days AS DATE) BETWEEN $from_dt AND $to_dt
),

expected AS (
    SELECT
        compared.*,
        CASE WHEN days.dt = compared.dt THEN 'now' ELSE 'before' END AS side,
        days.quadrant,
        days.products
    FROM compared
    INNER JOIN days
        ON
            days.window_days = compared.window_days
            AND days.matrix_id = compared.matrix_id
            AND (days.dt = compared.dt OR days.dt = compared.dt - compared.window_days)
),

found AS (
    SELECT
        dt,
        window_days,
        matrix_id,
        'now' AS side,
        to_key AS quadrant,
        SUM(products) AS products
    FROM moves
    WHERE to_key <> '(left)'
    GROUP BY dt, window_days, matrix_id, to_key
    UNION ALL
    SELECT
        dt,
        window_days,
        matrix_id,
        'before' AS side,
        from_key AS quadrant,
        SUM(products) AS products
    FROM moves
    WHERE from_key <> '(entered)'
    GROUP BY dt, window_days, matrix_id, from_key
)

SELECT
    dt,
    window_days,
    matrix_id,
    side,
    quadrant,
    expected.products AS expected_products,
    found.products
FROM expected
FULL JOIN found USING (dt, window_days, matrix_id, side, quadrant)
WHERE COALESCE(expected.products, 0) <> COALESCE(found.products, 0)
