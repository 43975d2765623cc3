/* model
description: >
  Each product's value on each axis of each matrix of config/matrices.yaml, the threshold, and the side of it that the
  product is on by this day's values alone. High is strictly above the threshold; with high: low it is at or below. A
  rate is on the side of its deciding value: the less favourable of its shrunk value and its raw value, for a small
  sample the raw value with one success fewer. products.quadrants adds the hysteresis from earlier days.
grain: [dt, window_days, matrix_id, product_id, axis]
partition: dt
columns:
  dt: {type: DATE, description: last day of the window}
  window_days: {type: INTEGER, description: length of the window in days}
  matrix_id: {type: VARCHAR, description: key of the matrix in config/matrices.yaml}
  product_id: {type: VARCHAR, description: the product; its figures include its variants}
  axis: {type: VARCHAR, description: x or y}
  metric: {type: VARCHAR, description: the column of products.metrics}
  raw_value: {type: DOUBLE, description: "the metric, not shrunk; null = unknown, also if it counts events and the window has none, or the product sold and has none in the longest window"}
  value: {type: DOUBLE, description: the metric; a rate is shrunk toward the rate of its category; null if raw_value is null or there is no threshold}
  threshold: {type: DOUBLE, description: "the threshold on this day, in the metric's unit; null = none could be computed"}
  distance: {type: DOUBLE, description: "(value − threshold) / |threshold|; null if the threshold is 0"}
  plain_side: {type: BOOLEAN, description: "true if the product is on the high side by this day's values alone; null if value is null"}
  clear_side: {type: BOOLEAN, description: plain_side if the deciding value differs from the threshold by more than hysteresis × |threshold|; otherwise null}
  is_borderline: {type: BOOLEAN, description: true if the deciding value differs from the threshold by at most hysteresis × |threshold|}
  is_small_sample: {type: BOOLEAN, description: true if a rate has fewer trials than the setting small_sample; null for metrics that are not rates}
*/
-- If the log has no event of a kind in the whole window, as in a shop that lands only orders, the metric is unknown for
-- all products: a count of 0 would make each of them low.
WITH logged AS (
    SELECT
        dt,
        window_days,
        SUM(exposures) > 0 AS has_exposures,
        SUM(product_clicks) > 0 AS has_product_clicks,
        SUM(views) > 0 AS has_views,
        SUM(add_to_carts) > 0 AS has_add_to_carts
    FROM products.metrics
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt, window_days
),

-- The same holds for a product that sold without a single such event in the longest window, such as a bundle or a gift:
-- its events are recorded under another id, or not at all.
sold_unseen AS (
    SELECT
        dt,
        product_id,
        MAX(exposures) > 0 AS has_exposures,
        MAX(product_clicks) > 0 AS has_product_clicks,
        MAX(views) > 0 AS has_views,
        MAX(add_to_carts) > 0 AS has_add_to_carts
    FROM products.metrics
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt, product_id
    HAVING MAX(order_lines) > 0 AND LEAST(MAX(exposures), MAX(product_clicks), MAX(views), MAX(add_to_carts)) = 0
),

wanted AS (
    SELECT metric
    FROM config.axes
    UNION DISTINCT
    SELECT weight AS metric
    FROM config.axes
    WHERE weight IS NOT NULL
),

raw_values AS (
    SELECT
        metrics.dt,
        metrics.window_days,
        metrics.product_id,
        metrics.category,
        wanted.metric,
        CAST(CASE wanted.metric
            WHEN 'exposures'
                THEN CASE WHEN logged.has_exposures AND COALESCE(sold_unseen.has_exposures, TRUE) THEN metrics.exposures END
            WHEN 'product_clicks'
                THEN CASE WHEN logged.has_product_clicks AND COALESCE(sold_unseen.has_product_clicks, TRUE) THEN metrics.product_clicks END
            WHEN 'views'
                THEN CASE WHEN logged.has_views AND COALESCE(sold_unseen.has_views, TRUE) THEN metrics.views END
            WHEN 'add_to_carts'
                THEN CASE WHEN logged.has_add_to_carts AND COALESCE(sold_unseen.has_add_to_carts, TRUE) THEN metrics.add_to_carts END
            WHEN 'buyers' THEN metrics.buyers
            WHEN 'orders' THEN metrics.orders
            WHEN 'order_lines' THEN metrics.order_lines
            WHEN 'units' THEN metrics.units
            WHEN 'revenue' THEN metrics.revenue
            WHEN 'refunded' THEN metrics.refunded
            WHEN 'net_revenue' THEN metrics.net_revenue
            WHEN 'cost' THEN metrics.cost
            WHEN 'margin' THEN metrics.margin
            WHEN 'margin_rate' THEN metrics.margin_rate
            WHEN 'click_through_rate' THEN metrics.click_through_rate
            WHEN 'conversion_rate' THEN metrics.conversion_rate
            WHEN 'repurchase_rate' THEN metrics.repurchase_rate
            WHEN 'growth_rate' THEN metrics.growth_rate
            WHEN 'relative_share' THEN metrics.relative_share
            WHEN 'days_since_launch' THEN metrics.days_since_launch
        END AS DOUBLE) AS raw_value,
        CASE wanted.metric
            WHEN 'click_through_rate' THEN LEAST(metrics.product_clicks, metrics.exposures)
            WHEN 'conversion_rate' THEN LEAST(metrics.order_lines, metrics.product_clicks)
            WHEN 'repurchase_rate' THEN metrics.repurchasers
        END AS successes,
        CASE wanted.metric
            WHEN 'click_through_rate' THEN metrics.exposures
            WHEN 'conversion_rate' THEN metrics.product_clicks
            WHEN 'repurchase_rate' THEN metrics.repurchase_base
        END AS trials
    FROM products.metrics AS metrics
    INNER JOIN logged USING (dt, window_days)
    LEFT JOIN sold_unseen ON metrics.dt = sold_unseen.dt AND metrics.product_id = sold_unseen.product_id
    CROSS JOIN wanted
    WHERE metrics.dt BETWEEN $from_dt AND $to_dt
),

priors AS (
    SELECT
        dt,
        window_days,
        category,
        rate AS metric,
        mean,
        strength
    FROM products.rate_priors
    WHERE dt BETWEEN $from_dt AND $to_dt
),

overall_priors AS (
    SELECT *
    FROM priors
    WHERE category = '(all)'
),

-- A rate with few trials says little, so it is averaged with the prior, as if the prior's trials had been observed too.
metric_values AS (
    SELECT
        raw_values.*,
        raw_values.trials < $products_small_sample AS is_small_sample,
        CASE
            WHEN raw_values.raw_value IS NOT NULL
                THEN COALESCE(
                    (raw_values.successes + own.mean * own.strength) / NULLIF(raw_values.trials + own.strength, 0),
                    (raw_values.successes + overall.mean * overall.strength)
                    / NULLIF(raw_values.trials + overall.strength, 0),
                    raw_values.raw_value
                )
        END AS shrunk_value
    FROM raw_values
    LEFT JOIN priors AS own USING (dt, window_days, category, metric)
    LEFT JOIN overall_priors AS overall USING (dt, window_days, metric)
),

axis_values AS (
    SELECT
        metric_values.*,
        axes.matrix_id,
        axes.axis,
        axes.weight,
        axes.kind,
        axes.argument,
        axes.is_low_high,
        CASE WHEN axes.is_per_category THEN metric_values.category ELSE '(all)' END AS cut_group
    FROM metric_values
    INNER JOIN config.axes AS axes USING (metric)
),

ranked AS (
    SELECT
        dt,
        window_days,
        matrix_id,
        axis,
        cut_group,
        shrunk_value,
        ROW_NUMBER() OVER (PARTITION BY dt, window_days, matrix_id, axis, cut_group ORDER BY shrunk_value) AS place,
        1
        + CASE WHEN kind = 'median' THEN 0.5 ELSE argument / 100 END
        * (COUNT(*) OVER (PARTITION BY dt, window_days, matrix_id, axis, cut_group) - 1) AS target
    FROM axis_values
    WHERE
        kind IN ('median', 'percentile')
        AND shrunk_value IS NOT NULL
),

thresholds AS (
    SELECT
        dt,
        window_days,
        matrix_id,
        axis,
        cut_group,
        CASE
            WHEN kind = 'fixed' THEN argument
            -- If the values cancel out, their mean is 0 and not the rounding error that remains.
            WHEN ABS(AVG(shrunk_value)) <= 1e-12 * AVG(ABS(shrunk_value)) THEN 0
            WHEN kind = 'fair_share' THEN argument * AVG(shrunk_value)
            ELSE AVG(shrunk_value)
        END AS threshold
    FROM axis_values
    WHERE
        kind IN ('fixed', 'fair_share', 'mean')
        AND shrunk_value IS NOT NULL
    GROUP BY dt, window_days, matrix_id, axis, cut_group, kind, argument
    UNION ALL
    SELECT
        weighed.dt,
        weighed.window_days,
        weighed.matrix_id,
        weighed.axis,
        weighed.cut_group,
        SUM(weighed.shrunk_value * weights.raw_value) / NULLIF(SUM(weights.raw_value), 0) AS threshold
    FROM raw_values AS weights
    INNER JOIN axis_values AS weighed
        ON
            weighed.dt = weights.dt
            AND weighed.window_days = weights.window_days
            AND weighed.product_id = weights.product_id
            AND weighed.weight = weights.metric
    WHERE
        weighed.kind = 'weighted_mean'
        AND weighed.shrunk_value IS NOT NULL
    GROUP BY weighed.dt, weighed.window_days, weighed.matrix_id, weighed.axis, weighed.cut_group
    UNION ALL
    -- A percentile is interpolated linearly between the two nearest values.
    SELECT
        dt,
        window_days,
        matrix_id,
        axis,
        cut_group,
        SUM(shrunk_value * GREATEST(0, 1 - ABS(place - target))) AS threshold
    FROM ranked
    GROUP BY dt, window_days, matrix_id, axis, cut_group
),

placed AS (
    SELECT
        axis_values.*,
        thresholds.threshold,
        CASE WHEN thresholds.threshold IS NOT NULL THEN axis_values.shrunk_value END AS value
    FROM axis_values
    LEFT JOIN thresholds USING (dt, window_days, matrix_id, axis, cut_group)
),

-- The deciding value of a rate is the less favourable of its shrunk and its raw value, so that neither a few lucky
-- trials nor the category alone makes a product high. A small sample must be high even with one success fewer.
decisive AS (
    SELECT
        placed.*,
        CASE
            WHEN value IS NULL OR trials IS NULL THEN value
            WHEN is_low_high
                THEN GREATEST(value, (successes + CASE WHEN is_small_sample THEN 1 ELSE 0 END) / NULLIF(trials, 0))
            ELSE LEAST(value, (successes - CASE WHEN is_small_sample THEN 1 ELSE 0 END) / NULLIF(trials, 0))
        END - threshold AS excess
    FROM placed
)

-- A difference from the threshold that is only a rounding error counts as equal.
SELECT
    dt,
    window_days,
    matrix_id,
    product_id,
    axis,
    metric,
    raw_value,
    value,
    threshold,
    (value - threshold) / NULLIF(ABS(threshold), 0) AS distance,
    (excess > 1e-9 * ABS(threshold)) <> is_low_high AS plain_side,
    CASE
        WHEN excess > ($products_hysteresis + 1e-9) * ABS(threshold) THEN NOT is_low_high
        WHEN excess <= (1e-9 - $products_hysteresis) * ABS(threshold) THEN is_low_high
    END AS clear_side,
    ABS(excess) <= $products_hysteresis * ABS(threshold) AS is_borderline,
    is_small_sample
FROM decisive
