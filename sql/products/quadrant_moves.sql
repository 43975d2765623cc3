/* model
description: Products that are in another quadrant than the day before, and how long they had been in that one.
grain: [dt, window_days, matrix_id, product_id]
partition: dt
reads: {products.quadrants: 1}
columns:
  dt: {type: DATE, description: first day in the new quadrant}
  window_days: {type: INTEGER, description: days of the window}
  matrix_id: {type: VARCHAR, description: matrix}
  product_id: {type: VARCHAR, description: product with its variants}
  from_quadrant: {type: VARCHAR, description: quadrant of the day before}
  to_quadrant: {type: VARCHAR, description: quadrant from dt on}
  days_stayed: {type: INTEGER, description: days in from_quadrant}
*/
WITH days AS (
    SELECT
        dt,
        window_days,
        matrix_id,
        product_id,
        quadrant,
        LAG(dt) OVER (PARTITION BY window_days, matrix_id, product_id ORDER BY dt) AS dt_before,
        LAG(quadrant) OVER (PARTITION BY window_days, matrix_id, product_id ORDER BY dt) AS quadrant_before,
        LAG(days_in_quadrant) OVER (PARTITION BY window_days, matrix_id, product_id ORDER BY dt) AS days_stayed
    FROM products.quadrants
    WHERE dt BETWEEN $from_dt - 1 AND $to_dt
)

SELECT
    dt,
    window_days,
    matrix_id,
    product_id,
    quadrant_before AS from_quadrant,
    quadrant AS to_quadrant,
    days_stayed
FROM days
WHERE
    dt BETWEEN $from_dt AND $to_dt
    AND dt_before = dt - 1
    AND quadrant_before <> quadrant
