/* model
description: >
  Products by the quadrant that they were in at the end of the previous window and are in now. There are no rows if no
  snapshot of that earlier day exists.
grain: [dt, window_days, matrix_id, from_key, to_key]
partition: dt
as_of: true
reads: {products.quadrants: products_longest_window}
columns:
  dt: {type: DATE, description: last day of the window}
  window_days: {type: INTEGER, description: length of the window in days; dt is compared with dt − window_days}
  matrix_id: {type: VARCHAR, description: key of the matrix in config/matrices.yaml}
  from_key: {type: VARCHAR, description: quadrant at the end of the previous window; (entered) = not in the matrix then}
  to_key: {type: VARCHAR, description: quadrant on dt; (left) = not in the matrix now}
  products: {type: BIGINT, description: "products that changed from from_key to to_key, or stayed"}
  revenue: {type: "DECIMAL(18,4)", description: "Σ their revenue in the window, for (left) in the previous window; reporting currency"}
*/
WITH days AS (
    SELECT
        dt,
        window_days,
        matrix_id,
        product_id,
        quadrant,
        revenue
    FROM products.quadrants
    WHERE dt BETWEEN $dt - $products_longest_window AND $dt
),

now AS (
    SELECT *
    FROM days
    WHERE dt = $dt
),

before AS (
    SELECT
        days.* EXCLUDE (dt),
        CAST(dt + window_days AS DATE) AS dt
    FROM days
    WHERE CAST(dt + window_days AS DATE) = $dt
),

comparable AS (
    SELECT DISTINCT
        dt,
        window_days,
        matrix_id
    FROM before
),

moves AS (
    SELECT
        dt,
        window_days,
        matrix_id,
        COALESCE(before.quadrant, '(entered)') AS from_key,
        COALESCE(now.quadrant, '(left)') AS to_key,
        COALESCE(now.revenue, before.revenue) AS revenue
    FROM now
    FULL JOIN before USING (dt, window_days, matrix_id, product_id)
)

SELECT
    dt,
    window_days,
    matrix_id,
    moves.from_key,
    moves.to_key,
    COUNT(*) AS products,
    CAST(SUM(moves.revenue) AS DECIMAL(18, 4)) AS revenue
FROM moves
INNER JOIN comparable USING (dt, window_days, matrix_id)
GROUP BY dt, window_days, matrix_id, moves.from_key, moves.to_key
