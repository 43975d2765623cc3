/* model
description: >
  Products by the quadrant that they were in at the end of the window before and the one they are in now. Nothing while
  there is no such day.
grain: [dt, window_days, matrix_id, from_key, to_key]
partition: dt
as_of: true
reads: {products.quadrants: products_longest_window}
columns:
  dt: {type: DATE, description: last day of the window}
  window_days: {type: INTEGER, description: "days of the window; compared with dt − window_days"}
  matrix_id: {type: VARCHAR, description: matrix}
  from_key: {type: VARCHAR, description: "quadrant then; (entered): not there then"}
  to_key: {type: VARCHAR, description: "quadrant now; (left): not there now"}
  products: {type: BIGINT, description: products}
  revenue: {type: "DECIMAL(18,4)", description: "Σ their revenue in the window, of those who left in the one before"}
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
