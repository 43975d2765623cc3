/* model
description: >
  The prior of each rate: a beta distribution, fitted by the method of moments to the products of a category, or of
  all categories if the category has fewer than ten products. The rates of single products are shrunk toward it, small
  samples most.
grain: [dt, window_days, category, rate]
partition: dt
columns:
  dt: {type: DATE, description: last day of the window}
  window_days: {type: INTEGER, description: length of the window in days}
  category: {type: VARCHAR, description: "category; '(all)' = all categories together"}
  rate: {type: VARCHAR, description: "click_through_rate, conversion_rate or repurchase_rate"}
  products: {type: BIGINT, description: products with at least one trial}
  trials: {type: BIGINT, description: Σ of their denominators}
  mean: {type: DOUBLE, description: "Σ successes / Σ trials, the mean of the prior"}
  strength: {type: DOUBLE, description: "α + β, the number of trials that the prior counts for; null if the category has fewer than ten products, or '(all)' fewer than two"}
*/
WITH samples AS (
    SELECT
        dt,
        window_days,
        category,
        'click_through_rate' AS rate,
        LEAST(product_clicks, exposures) AS successes,
        exposures AS trials
    FROM products.metrics
    WHERE dt BETWEEN $from_dt AND $to_dt
    UNION ALL
    SELECT
        dt,
        window_days,
        category,
        'conversion_rate' AS rate,
        LEAST(order_lines, product_clicks) AS successes,
        product_clicks AS trials
    FROM products.metrics
    WHERE dt BETWEEN $from_dt AND $to_dt
    UNION ALL
    SELECT
        dt,
        window_days,
        category,
        'repurchase_rate' AS rate,
        repurchasers AS successes,
        repurchase_base AS trials
    FROM products.metrics
    WHERE dt BETWEEN $from_dt AND $to_dt
),

grouped AS (
    SELECT *
    FROM samples
    WHERE category <> '(all)'
    UNION ALL
    SELECT
        dt,
        window_days,
        '(all)' AS category,
        rate,
        successes,
        trials
    FROM samples
),

totals AS (
    SELECT
        dt,
        window_days,
        category,
        rate,
        COUNT(*) AS products,
        SUM(trials) AS trials,
        CAST(SUM(successes) AS DOUBLE) / NULLIF(SUM(trials), 0) AS mean,
        SUM(CAST(trials AS DOUBLE) * trials) AS sum_of_squared_trials,
        -- Added as whole millionths: excess, a small difference, must not depend on the order of adding.
        CAST(
            SUM(CAST(FLOOR(CAST(successes AS DOUBLE) * successes * 1000000 / NULLIF(trials, 0)) AS BIGINT)) AS DOUBLE
        ) / 1000000 AS sum_of_squares
    FROM grouped
    WHERE trials > 0
    GROUP BY dt, window_days, category, rate
),

-- Method of moments, each product weighted by its trials n (Kleinman 1973, Journal of the American Statistical
-- Association 68): the expected value of Σ n (p − mean)² is
-- mean (1 − mean) (N − 1 + ρ (Σ n − Σ n² / Σ n − (N − 1))), with ρ = 1 / (α + β + 1).
moments AS (
    SELECT
        totals.*,
        sum_of_squares - mean * mean * trials - mean * (1 - mean) * (products - 1) AS excess,
        mean * (1 - mean) * (trials - sum_of_squared_trials / NULLIF(trials, 0) - (products - 1)) AS scale
    FROM totals
)

SELECT
    dt,
    window_days,
    category,
    rate,
    products,
    CAST(trials AS BIGINT) AS trials,
    mean,
    -- If products differ no more than by chance, the prior outweighs any sample (1e6). With fewer than ten products of a
    -- category their spread cannot be estimated. A prior weighs at least as much as a small sample.
    CASE
        WHEN products < CASE WHEN category = '(all)' THEN 2 ELSE 10 END THEN NULL
        WHEN excess <= 0 OR scale <= 0 THEN 1e6
        ELSE GREATEST(1e-3, $products_small_sample, LEAST(1e6, scale / NULLIF(excess, 0) - 1))
    END AS strength
FROM moments
