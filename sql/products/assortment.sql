/* model
description: >
  Products by how much they sell and how steadily. sales_class: hot products bring the first 50 % of the revenue,
  normal ones the next 40 %, slow ones the last 10 %. abc_class: A brings the first 80 %, B the next 15 %, C the rest.
  xyz_class, by variation: X up to 0.5, Y up to 1, Z above.
grain: [dt, window_days, product_id]
partition: dt
as_of: true
reads: {products.daily: products_longest_window - 1}
columns:
  dt: {type: DATE, description: last day of the window}
  window_days: {type: INTEGER, description: length of the window in days}
  product_id: {type: VARCHAR, description: the product; its figures include its variants}
  revenue: {type: "DECIMAL(18,4)", description: "Σ revenue, reporting currency"}
  units: {type: BIGINT, description: units sold}
  place: {type: INTEGER, description: "rank by revenue, 1 = most; products with equal revenue are ordered by product_id"}
  cumulative_share: {type: DOUBLE, description: share of all revenue that this product and those ranked above it bring; null if there is no revenue}
  sales_class: {type: VARCHAR, description: "hot, normal or slow; a product across a boundary belongs to the better class"}
  abc_class: {type: VARCHAR, description: "A, B or C; a product across a boundary belongs to the better class"}
  variation: {type: DOUBLE, description: "coefficient of variation of the units sold on a day: population standard deviation ÷ mean, over the window's days since start_date; null without units, or with fewer than seven such days"}
  xyz_class: {type: VARCHAR, description: "X, Y or Z; null if variation is null"}
*/
WITH metrics AS (
    SELECT
        dt,
        window_days,
        product_id,
        revenue,
        units
    FROM products.metrics
    WHERE dt = $dt
),

windows AS (
    SELECT DISTINCT
        dt,
        window_days
    FROM metrics
),

-- Units of each product on each day, all variants together.
units_a_day AS (
    SELECT
        dt,
        product_id,
        SUM(units) AS units
    FROM products.daily
    WHERE dt BETWEEN $dt - ($products_longest_window - 1) AND $dt
    GROUP BY dt, product_id
),

squares AS (
    SELECT
        windows.dt,
        windows.window_days,
        units_a_day.product_id,
        SUM(CAST(units_a_day.units AS DOUBLE) * units_a_day.units) AS sum_of_squares
    FROM units_a_day
    INNER JOIN windows
        ON
            units_a_day.dt > windows.dt - windows.window_days
            AND units_a_day.dt <= windows.dt
    GROUP BY windows.dt, windows.window_days, units_a_day.product_id
),

ranked AS (
    SELECT
        metrics.*,
        CAST(ROW_NUMBER() OVER (PARTITION BY dt, window_days ORDER BY revenue DESC, product_id) AS INTEGER) AS place,
        SUM(revenue) OVER (
            PARTITION BY dt, window_days
            ORDER BY revenue DESC, product_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS revenue_so_far,
        SUM(revenue) OVER (PARTITION BY dt, window_days) AS total,
        -- Days before start_date do not count as days without sales.
        LEAST(window_days, DATE_DIFF('day', $start_date, dt) + 1) AS recorded_days
    FROM metrics
),

shares AS (
    SELECT
        ranked.*,
        CASE
            WHEN total > 0 THEN CAST(revenue_so_far AS DOUBLE) / NULLIF(CAST(total AS DOUBLE), 0)
        END AS cumulative_share,
        CASE
            WHEN total > 0 THEN CAST(revenue_so_far - revenue AS DOUBLE) / NULLIF(CAST(total AS DOUBLE), 0)
        END AS share_above,
        CASE
            WHEN recorded_days >= 7 AND units > 0
                THEN SQRT(
                    GREATEST(
                        0,
                        squares.sum_of_squares / NULLIF(recorded_days, 0)
                        - CAST(units AS DOUBLE) * units / NULLIF(CAST(recorded_days AS DOUBLE) * recorded_days, 0)
                    )
                )
                / NULLIF(CAST(units AS DOUBLE) / NULLIF(recorded_days, 0), 0)
        END AS variation
    FROM ranked
    LEFT JOIN squares USING (dt, window_days, product_id)
)

SELECT
    shares.* EXCLUDE (revenue_so_far, total, recorded_days, share_above),
    CASE
        WHEN revenue <= 0 OR share_above IS NULL THEN 'slow'
        WHEN share_above < 0.5 THEN 'hot'
        WHEN share_above < 0.9 THEN 'normal'
        ELSE 'slow'
    END AS sales_class,
    CASE
        WHEN revenue <= 0 OR share_above IS NULL THEN 'C'
        WHEN share_above < 0.8 THEN 'A'
        WHEN share_above < 0.95 THEN 'B'
        ELSE 'C'
    END AS abc_class,
    CASE
        WHEN variation <= 0.5 THEN 'X'
        WHEN variation <= 1 THEN 'Y'
        WHEN variation > 1 THEN 'Z'
    END AS xyz_class
FROM shares
