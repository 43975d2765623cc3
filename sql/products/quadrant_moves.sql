/* model
description: >
  Products that are in another quadrant than on the day before, and how long they were in the earlier quadrant.
grain: [dt, window_days, matrix_id, product_id]
partition: dt
reads: {products.quadrants: 1}
columns:
  dt: {type: DATE, description: first day in the new quadrant}
  window_days: {type: INTEGER, description: length of the window in days}
  matrix_id: {type: VARCHAR, description: key of the matrix in config/matrices.yaml}
  product_id: {type: VARCHAR, description: the product; its figures include its variants}
  from_quadrant: {type: VARCHAR, description: quadrant on the day before dt}
  to_quadrant: {type: VARCHAR, description: quadrant from dt on}
  days_stayed: {type: INTEGER, description: consecutive days in from_quadrant}
*/
WITH days AS (
    SELECT
        dt,
        window_days,
        matrix_id,
        product_id,
        quadrant AS to_quadrant,
        LAG(dt) OVER by_day AS dt_before,
        LAG(quadrant) OVER by_day AS from_quadrant,
        LAG(days_in_quadrant) OVER by_day AS days_stayed
    FROM products.quadrants
    WHERE dt BETWEEN $from_dt - 1 AND $to_dt
    WINDOW by_day AS (PARTITION BY window_days, matrix_id, product_id ORDER BY dt)
)

SELECT days.* EXCLUDE (dt_before)
FROM days
WHERE
    dt BETWEEN $from_dt AND $to_dt
    AND dt_before = dt - 1
    AND from_quadrant <> to_quadrant
