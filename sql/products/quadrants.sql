/* model
description: >
  The quadrant of each product in each matrix of config/matrices.yaml, and since when. A product changes sides on an
  axis only when its deciding value passes the threshold by the setting hysteresis, so that products near a threshold
  do not change quadrants every day. products.axis_values explains values and sides.
grain: [dt, window_days, matrix_id, product_id]
partition: dt
reads: {products.quadrants: 1}
columns:
  dt: {type: DATE, description: last day of the window}
  window_days: {type: INTEGER, description: length of the window in days}
  matrix_id: {type: VARCHAR, description: key of the matrix in config/matrices.yaml}
  product_id: {type: VARCHAR, description: the product; its figures include its variants}
  category: {type: VARCHAR, description: "category in the product catalogue; '(none)' if unknown"}
  x_value: {type: DOUBLE, description: metric of axis x; a rate is shrunk toward the rate of its category; null = unknown}
  y_value: {type: DOUBLE, description: "metric of axis y, as x_value"}
  x_raw_value: {type: DOUBLE, description: "metric of axis x, not shrunk; null = unknown"}
  y_raw_value: {type: DOUBLE, description: "metric of axis y, not shrunk; null = unknown"}
  x_threshold: {type: DOUBLE, description: "threshold of axis x on this day, in the metric's unit; null = none could be computed"}
  y_threshold: {type: DOUBLE, description: "threshold of axis y, as x_threshold"}
  x_high: {type: BOOLEAN, description: true if the product is on the high side of axis x; null if x_value is null}
  y_high: {type: BOOLEAN, description: true if the product is on the high side of axis y; null if y_value is null}
  quadrant: {type: VARCHAR, description: key of the cell in config/matrices.yaml; unknown if x_value or y_value is null}
  unknown_metrics: {type: VARCHAR, description: "metrics that cause an unknown quadrant, joined by ', ': null, without a threshold, or counting events that the window, or a product that sold, does not have; null if the quadrant is known"}
  previous_quadrant: {type: VARCHAR, description: the quadrant before this stay; null if there was none}
  days_in_quadrant: {type: INTEGER, description: "consecutive days in the quadrant, including dt"}
  x_distance: {type: DOUBLE, description: "(x_value − x_threshold) / |x_threshold|; null if x_threshold is 0"}
  y_distance: {type: DOUBLE, description: "(y_value − y_threshold) / |y_threshold|; null if y_threshold is 0"}
  is_borderline: {type: BOOLEAN, description: true if the deciding value of either axis differs from the threshold by at most hysteresis × |threshold|}
  is_small_sample: {type: BOOLEAN, description: true if a rate on either axis has fewer trials than the setting small_sample}
  revenue: {type: "DECIMAL(18,4)", description: "Σ revenue in the window, reporting currency"}
*/
WITH paired AS (
    SELECT
        x.dt,
        x.window_days,
        x.matrix_id,
        x.product_id,
        x.value AS x_value,
        y.value AS y_value,
        x.raw_value AS x_raw_value,
        y.raw_value AS y_raw_value,
        x.threshold AS x_threshold,
        y.threshold AS y_threshold,
        x.distance AS x_distance,
        y.distance AS y_distance,
        x.plain_side AS x_plain_side,
        y.plain_side AS y_plain_side,
        x.clear_side AS x_clear_side,
        y.clear_side AS y_clear_side,
        CASE
            WHEN x.value IS NULL AND y.value IS NULL THEN x.metric || ', ' || y.metric
            WHEN x.value IS NULL THEN x.metric
            WHEN y.value IS NULL THEN y.metric
        END AS unknown_metrics,
        COALESCE(x.is_borderline OR y.is_borderline, FALSE) AS is_borderline,
        COALESCE(x.is_small_sample OR y.is_small_sample, FALSE) AS is_small_sample
    FROM products.axis_values AS x
    INNER JOIN products.axis_values AS y USING (dt, window_days, matrix_id, product_id)
    WHERE
        x.dt BETWEEN $from_dt AND $to_dt
        AND y.dt BETWEEN $from_dt AND $to_dt
        AND x.axis = 'x'
        AND y.axis = 'y'
),

-- The published result of the day before the first computed day. For later days the day before is a row of this query;
-- if only one day is computed, DuckDB plans none of the windows.
yesterday AS (
    SELECT
        window_days,
        matrix_id,
        product_id,
        x_high AS known_x_high,
        y_high AS known_y_high,
        quadrant AS known_quadrant,
        STRUCT_PACK(dt := dt - (days_in_quadrant - 1), came_from := previous_quadrant) AS known_beginning
    FROM products.quadrants
    WHERE dt = $from_dt - 1
),

neighbours AS (
    SELECT
        paired.*,
        yesterday.known_x_high,
        yesterday.known_y_high,
        yesterday.known_quadrant,
        yesterday.known_beginning,
        CASE
            WHEN $from_dt = $to_dt OR dt = $from_dt THEN yesterday.known_x_high
            WHEN LAG(dt) OVER by_day = dt - 1 THEN LAG(x_plain_side) OVER by_day
        END AS x_side_before,
        CASE
            WHEN $from_dt = $to_dt OR dt = $from_dt THEN yesterday.known_y_high
            WHEN LAG(dt) OVER by_day = dt - 1 THEN LAG(y_plain_side) OVER by_day
        END AS y_side_before
    FROM paired
    LEFT JOIN yesterday USING (window_days, matrix_id, product_id)
    WINDOW by_day AS (PARTITION BY window_days, matrix_id, product_id ORDER BY dt)
),

decided AS (
    SELECT
        neighbours.* EXCLUDE (x_clear_side, y_clear_side, x_side_before, y_side_before),
        COALESCE(x_clear_side, CASE WHEN x_side_before IS NULL THEN x_plain_side END) AS x_decided_side,
        COALESCE(y_clear_side, CASE WHEN y_side_before IS NULL THEN y_plain_side END) AS y_decided_side
    FROM neighbours
),

-- Hysteresis keeps the side of the day before; if there is no such day, the plain side (without hysteresis) is taken.
sides AS (
    SELECT
        decided.* EXCLUDE (x_plain_side, y_plain_side, x_decided_side, y_decided_side, known_x_high, known_y_high),
        CASE
            WHEN x_plain_side IS NOT NULL
                THEN COALESCE(
                    CASE
                        WHEN $from_dt = $to_dt THEN x_decided_side
                        ELSE LAST_VALUE(x_decided_side IGNORE NULLS) OVER so_far
                    END,
                    known_x_high
                )
        END AS x_high,
        CASE
            WHEN y_plain_side IS NOT NULL
                THEN COALESCE(
                    CASE
                        WHEN $from_dt = $to_dt THEN y_decided_side
                        ELSE LAST_VALUE(y_decided_side IGNORE NULLS) OVER so_far
                    END,
                    known_y_high
                )
        END AS y_high
    FROM decided
    WINDOW so_far AS (
        PARTITION BY window_days, matrix_id, product_id
        ORDER BY dt
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
),

places AS (
    SELECT
        sides.*,
        COALESCE(cells.key, 'unknown') AS quadrant
    FROM sides
    LEFT JOIN config.cells
        ON
            cells.matrix_id = sides.matrix_id
            AND cells.code
            = CASE WHEN sides.x_high THEN '1' WHEN NOT sides.x_high THEN '0' END
            || CASE WHEN sides.y_high THEN '1' WHEN NOT sides.y_high THEN '0' END
),

moves AS (
    SELECT
        places.* EXCLUDE (known_quadrant),
        CASE
            WHEN $from_dt = $to_dt OR dt = $from_dt THEN known_quadrant
            WHEN LAG(dt) OVER by_day = dt - 1 THEN LAG(quadrant) OVER by_day
        END AS quadrant_before
    FROM places
    WINDOW by_day AS (PARTITION BY window_days, matrix_id, product_id ORDER BY dt)
),

changes AS (
    SELECT
        moves.* EXCLUDE (quadrant_before),
        CASE
            WHEN quadrant_before IS DISTINCT FROM quadrant THEN STRUCT_PACK(dt := dt, came_from := quadrant_before)
        END AS own_beginning
    FROM moves
),

stays AS (
    SELECT
        changes.* EXCLUDE (own_beginning, known_beginning),
        COALESCE(
            CASE
                WHEN $from_dt = $to_dt THEN own_beginning
                ELSE LAST_VALUE(own_beginning IGNORE NULLS) OVER (
                    PARTITION BY window_days, matrix_id, product_id
                    ORDER BY dt
                    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
                )
            END,
            known_beginning
        ) AS beginning
    FROM changes
)

SELECT
    stays.* EXCLUDE (beginning),
    metrics.category,
    metrics.revenue,
    stays.beginning.came_from AS previous_quadrant,
    CAST(DATE_DIFF('day', stays.beginning.dt, stays.dt) + 1 AS INTEGER) AS days_in_quadrant
FROM stays
INNER JOIN products.metrics AS metrics USING (dt, window_days, product_id)
WHERE metrics.dt BETWEEN $from_dt AND $to_dt
