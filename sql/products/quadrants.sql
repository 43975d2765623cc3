/* model
description: >
  Each product's place in each matrix of config/matrices.yaml. High is strictly above the threshold, of a rate both as it is
  and shrunk, of a small sample even with one success fewer; a side changes only when that passes the threshold by the
  setting hysteresis, so that products on the line do not flap.
grain: [dt, window_days, matrix_id, product_id]
partition: dt
reads: {products.quadrants: 1}
columns:
  dt: {type: DATE, description: last day of the window}
  window_days: {type: INTEGER, description: days of the window}
  matrix_id: {type: VARCHAR, description: matrix}
  product_id: {type: VARCHAR, description: product with its variants}
  category: {type: VARCHAR, description: "category; '(none)' if unknown"}
  x_value: {type: DOUBLE, description: "the metric of axis x, a rate shrunk toward its category's"}
  y_value: {type: DOUBLE, description: "the metric of axis y, likewise"}
  x_raw_value: {type: DOUBLE, description: the metric of axis x as it is}
  y_raw_value: {type: DOUBLE, description: the metric of axis y as it is}
  x_threshold: {type: DOUBLE, description: where x is cut}
  y_threshold: {type: DOUBLE, description: where y is cut}
  x_high: {type: BOOLEAN, description: whether x is high; null if its value is}
  y_high: {type: BOOLEAN, description: whether y is high; null if its value is}
  quadrant: {type: VARCHAR, description: "key of the cell; unknown if a value is null"}
  unknown_metrics: {type: VARCHAR, description: "the metrics that are null, count events of which the window has none, or have no threshold; null where the quadrant is known"}
  previous_quadrant: {type: VARCHAR, description: the quadrant before this stay; null if there was none}
  days_in_quadrant: {type: INTEGER, description: "days of this stay, this one included"}
  x_distance: {type: DOUBLE, description: "(x_value − x_threshold) / |x_threshold|; null where that is 0"}
  y_distance: {type: DOUBLE, description: "(y_value − y_threshold) / |y_threshold|; null where that is 0"}
  is_borderline: {type: BOOLEAN, description: whether what decides a side lies within the band of hysteresis}
  is_small_sample: {type: BOOLEAN, description: whether a rate has fewer trials than the setting small_sample}
  revenue: {type: "DECIMAL(18,4)", description: Σ revenue of the window}
*/
-- Where the log of a window has no event of a kind at all, as in a shop that lands orders alone, nothing is known of any
-- product: a count of 0 would call each of them low.
WITH logged AS (
    SELECT
        dt,
        window_days,
        NULLIF(SUM(exposures), 0) AS exposures,
        NULLIF(SUM(product_clicks), 0) AS product_clicks,
        NULLIF(SUM(views), 0) AS views,
        NULLIF(SUM(add_to_carts), 0) AS add_to_carts
    FROM products.metrics
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt, window_days
),

axis_metrics AS (
    SELECT
        metrics.dt,
        metrics.window_days,
        metrics.product_id,
        metrics.category,
        metrics.revenue,
        axes.matrix_id,
        axes.axis,
        axes.metric,
        axes.kind,
        axes.argument,
        axes.is_low_high,
        CASE WHEN axes.is_per_category THEN metrics.category ELSE '(all)' END AS cut_group,
        CASE axes.metric
            WHEN 'exposures' THEN CASE WHEN logged.exposures IS NOT NULL THEN CAST(metrics.exposures AS DOUBLE) END
            WHEN 'product_clicks' THEN CASE WHEN logged.product_clicks IS NOT NULL THEN CAST(metrics.product_clicks AS DOUBLE) END
            WHEN 'views' THEN CASE WHEN logged.views IS NOT NULL THEN CAST(metrics.views AS DOUBLE) END
            WHEN 'add_to_carts' THEN CASE WHEN logged.add_to_carts IS NOT NULL THEN CAST(metrics.add_to_carts AS DOUBLE) END
            WHEN 'buyers' THEN CAST(metrics.buyers AS DOUBLE)
            WHEN 'orders' THEN CAST(metrics.orders AS DOUBLE)
            WHEN 'order_lines' THEN CAST(metrics.order_lines AS DOUBLE)
            WHEN 'units' THEN CAST(metrics.units AS DOUBLE)
            WHEN 'revenue' THEN CAST(metrics.revenue AS DOUBLE)
            WHEN 'refunded' THEN CAST(metrics.refunded AS DOUBLE)
            WHEN 'net_revenue' THEN CAST(metrics.net_revenue AS DOUBLE)
            WHEN 'cost' THEN CAST(metrics.cost AS DOUBLE)
            WHEN 'margin' THEN CAST(metrics.margin AS DOUBLE)
            WHEN 'margin_rate' THEN metrics.margin_rate
            WHEN 'click_through_rate' THEN metrics.click_through_rate
            WHEN 'conversion_rate' THEN metrics.conversion_rate
            WHEN 'repurchase_rate' THEN metrics.repurchase_rate
            WHEN 'growth_rate' THEN metrics.growth_rate
            WHEN 'relative_share' THEN metrics.relative_share
            WHEN 'days_since_launch' THEN CAST(metrics.days_since_launch AS DOUBLE)
        END AS raw_value,
        CASE axes.weight
            WHEN 'exposures' THEN CAST(metrics.exposures AS DOUBLE)
            WHEN 'product_clicks' THEN CAST(metrics.product_clicks AS DOUBLE)
            WHEN 'views' THEN CAST(metrics.views AS DOUBLE)
            WHEN 'add_to_carts' THEN CAST(metrics.add_to_carts AS DOUBLE)
            WHEN 'buyers' THEN CAST(metrics.buyers AS DOUBLE)
            WHEN 'orders' THEN CAST(metrics.orders AS DOUBLE)
            WHEN 'order_lines' THEN CAST(metrics.order_lines AS DOUBLE)
            WHEN 'units' THEN CAST(metrics.units AS DOUBLE)
            WHEN 'revenue' THEN CAST(metrics.revenue AS DOUBLE)
            WHEN 'refunded' THEN CAST(metrics.refunded AS DOUBLE)
            WHEN 'net_revenue' THEN CAST(metrics.net_revenue AS DOUBLE)
            WHEN 'cost' THEN CAST(metrics.cost AS DOUBLE)
            WHEN 'margin' THEN CAST(metrics.margin AS DOUBLE)
            WHEN 'margin_rate' THEN metrics.margin_rate
            WHEN 'click_through_rate' THEN metrics.click_through_rate
            WHEN 'conversion_rate' THEN metrics.conversion_rate
            WHEN 'repurchase_rate' THEN metrics.repurchase_rate
            WHEN 'growth_rate' THEN metrics.growth_rate
            WHEN 'relative_share' THEN metrics.relative_share
            WHEN 'days_since_launch' THEN CAST(metrics.days_since_launch AS DOUBLE)
        END AS weight,
        CASE axes.metric
            WHEN 'click_through_rate' THEN LEAST(metrics.product_clicks, metrics.exposures)
            WHEN 'conversion_rate' THEN LEAST(metrics.order_lines, metrics.product_clicks)
            WHEN 'repurchase_rate' THEN metrics.repurchasers
        END AS successes,
        CASE axes.metric
            WHEN 'click_through_rate' THEN metrics.exposures
            WHEN 'conversion_rate' THEN metrics.product_clicks
            WHEN 'repurchase_rate' THEN metrics.repurchase_base
        END AS trials
    FROM products.metrics AS metrics
    INNER JOIN logged
        ON
            logged.dt = metrics.dt
            AND logged.window_days = metrics.window_days
    CROSS JOIN config.axes AS axes
    WHERE metrics.dt BETWEEN $from_dt AND $to_dt
),

priors AS (
    SELECT
        dt,
        window_days,
        category,
        rate,
        mean,
        strength
    FROM products.rate_priors
    WHERE dt BETWEEN $from_dt AND $to_dt
),

-- A rate of few trials says little: it counts as if the prior's trials had been seen as well.
axis_values AS (
    SELECT
        axis_metrics.dt,
        axis_metrics.window_days,
        axis_metrics.product_id,
        axis_metrics.category,
        axis_metrics.revenue,
        axis_metrics.matrix_id,
        axis_metrics.axis,
        axis_metrics.metric,
        axis_metrics.kind,
        axis_metrics.argument,
        axis_metrics.is_low_high,
        axis_metrics.cut_group,
        axis_metrics.weight,
        axis_metrics.raw_value,
        axis_metrics.trials < $products_small_sample AS is_small_sample,
        CAST(axis_metrics.successes AS DOUBLE) AS successes,
        axis_metrics.trials,
        CASE
            WHEN own.strength IS NOT NULL
                THEN (axis_metrics.successes + own.mean * own.strength)
                / NULLIF(axis_metrics.trials + own.strength, 0)
            WHEN overall.strength IS NOT NULL
                THEN (axis_metrics.successes + overall.mean * overall.strength)
                / NULLIF(axis_metrics.trials + overall.strength, 0)
            ELSE axis_metrics.raw_value
        END AS shrunk_value
    FROM axis_metrics
    LEFT JOIN priors AS own
        ON
            own.dt = axis_metrics.dt
            AND own.window_days = axis_metrics.window_days
            AND own.rate = axis_metrics.metric
            AND own.category = axis_metrics.category
    LEFT JOIN priors AS overall
        ON
            overall.dt = axis_metrics.dt
            AND overall.window_days = axis_metrics.window_days
            AND overall.rate = axis_metrics.metric
            AND overall.category = '(all)'
),

known_values AS (
    SELECT
        dt,
        window_days,
        product_id,
        matrix_id,
        axis,
        kind,
        argument,
        is_low_high,
        cut_group,
        weight,
        is_small_sample,
        shrunk_value AS value
    FROM axis_values
    WHERE raw_value IS NOT NULL
),

-- A percentile lies between the two values next to it, each weighed by how near it is.
ranked AS (
    SELECT
        dt,
        window_days,
        matrix_id,
        axis,
        cut_group,
        value,
        ROW_NUMBER() OVER (PARTITION BY dt, window_days, matrix_id, axis, cut_group ORDER BY value) AS place,
        1
        + CASE WHEN kind = 'median' THEN 0.5 ELSE argument / 100 END
        * (COUNT(*) OVER (PARTITION BY dt, window_days, matrix_id, axis, cut_group) - 1) AS target
    FROM known_values
    WHERE kind IN ('median', 'percentile')
),

percentiles AS (
    SELECT
        dt,
        window_days,
        matrix_id,
        axis,
        cut_group,
        SUM(value * GREATEST(0, 1 - ABS(place - target))) AS value
    FROM ranked
    GROUP BY dt, window_days, matrix_id, axis, cut_group
),

cuts AS (
    SELECT
        dt,
        window_days,
        matrix_id,
        axis,
        cut_group,
        CASE kind
            -- Values that cancel out leave the last digits of their sum, which is 0.
            WHEN 'mean' THEN CASE WHEN ABS(AVG(value)) > 1e-12 * AVG(ABS(value)) THEN AVG(value) ELSE 0 END
            WHEN 'fair_share'
                THEN CASE WHEN ABS(AVG(value)) > 1e-12 * AVG(ABS(value)) THEN argument * AVG(value) ELSE 0 END
            WHEN 'fixed' THEN argument
            WHEN 'weighted_mean' THEN SUM(value * weight) / NULLIF(SUM(weight), 0)
        END AS value
    FROM known_values
    GROUP BY dt, window_days, matrix_id, axis, cut_group, kind, argument
),

thresholds AS (
    SELECT
        cuts.dt,
        cuts.window_days,
        cuts.matrix_id,
        cuts.axis,
        cuts.cut_group,
        COALESCE(percentiles.value, cuts.value) AS value
    FROM cuts
    LEFT JOIN percentiles
        ON
            percentiles.dt = cuts.dt
            AND percentiles.window_days = cuts.window_days
            AND percentiles.matrix_id = cuts.matrix_id
            AND percentiles.axis = cuts.axis
            AND percentiles.cut_group = cuts.cut_group
),

placed AS (
    SELECT
        axis_values.dt,
        axis_values.window_days,
        axis_values.matrix_id,
        axis_values.product_id,
        axis_values.category,
        axis_values.revenue,
        axis_values.axis,
        axis_values.metric,
        axis_values.is_low_high,
        axis_values.is_small_sample,
        axis_values.raw_value,
        axis_values.successes,
        axis_values.trials,
        thresholds.value AS threshold,
        CASE WHEN axis_values.raw_value IS NOT NULL AND thresholds.value IS NOT NULL THEN axis_values.shrunk_value END
            AS value
    FROM axis_values
    LEFT JOIN thresholds
        ON
            thresholds.dt = axis_values.dt
            AND thresholds.window_days = axis_values.window_days
            AND thresholds.matrix_id = axis_values.matrix_id
            AND thresholds.axis = axis_values.axis
            AND thresholds.cut_group = axis_values.cut_group
),

-- What decides the side: of a rate the less favourable of the shrunk and the raw one, so that neither the luck of a few
-- trials nor the category alone makes a product high; a small sample must stand the loss of one success.
decisive AS (
    SELECT
        dt,
        window_days,
        matrix_id,
        product_id,
        category,
        revenue,
        axis,
        metric,
        is_low_high,
        is_small_sample,
        raw_value,
        threshold,
        value,
        CASE
            WHEN value IS NULL OR trials IS NULL THEN value
            WHEN is_low_high
                THEN GREATEST(value, (successes + CASE WHEN is_small_sample THEN 1 ELSE 0 END) / NULLIF(trials, 0))
            ELSE LEAST(value, (successes - CASE WHEN is_small_sample THEN 1 ELSE 0 END) / NULLIF(trials, 0))
        END AS deciding_value
    FROM placed
),

-- A threshold that was summed up may be off in its last digits: equal to it is not beyond it.
sided AS (
    SELECT
        dt,
        window_days,
        matrix_id,
        product_id,
        category,
        revenue,
        axis,
        metric,
        is_small_sample,
        raw_value,
        threshold,
        value,
        (value - threshold) / NULLIF(ABS(threshold), 0) AS distance,
        ABS(deciding_value - threshold) <= $products_hysteresis * ABS(threshold) AS is_borderline,
        (deciding_value - threshold > 1e-9 * ABS(threshold)) <> is_low_high AS plain_side,
        CASE
            WHEN deciding_value - threshold > ($products_hysteresis + 1e-9) * ABS(threshold) THEN NOT is_low_high
            WHEN deciding_value - threshold <= (1e-9 - $products_hysteresis) * ABS(threshold) THEN is_low_high
        END AS clear_side
    FROM decisive
),

paired AS (
    SELECT
        dt,
        window_days,
        matrix_id,
        product_id,
        category,
        revenue,
        MAX(value) FILTER (WHERE axis = 'x') AS x_value,
        MAX(value) FILTER (WHERE axis = 'y') AS y_value,
        MAX(raw_value) FILTER (WHERE axis = 'x') AS x_raw_value,
        MAX(raw_value) FILTER (WHERE axis = 'y') AS y_raw_value,
        MAX(threshold) FILTER (WHERE axis = 'x') AS x_threshold,
        MAX(threshold) FILTER (WHERE axis = 'y') AS y_threshold,
        MAX(distance) FILTER (WHERE axis = 'x') AS x_distance,
        MAX(distance) FILTER (WHERE axis = 'y') AS y_distance,
        BOOL_OR(plain_side) FILTER (WHERE axis = 'x') AS x_plain_side,
        BOOL_OR(plain_side) FILTER (WHERE axis = 'y') AS y_plain_side,
        BOOL_OR(clear_side) FILTER (WHERE axis = 'x') AS x_clear_side,
        BOOL_OR(clear_side) FILTER (WHERE axis = 'y') AS y_clear_side,
        MAX(metric) FILTER (WHERE axis = 'x' AND value IS NULL) AS x_unknown_metric,
        MAX(metric) FILTER (WHERE axis = 'y' AND value IS NULL) AS y_unknown_metric,
        COALESCE(BOOL_OR(is_borderline), FALSE) AS is_borderline,
        COALESCE(BOOL_OR(is_small_sample), FALSE) AS is_small_sample
    FROM sided
    GROUP BY dt, window_days, matrix_id, product_id, category, revenue
),

-- The day before the first one, in its final state, begins each product's history.
history AS (
    SELECT
        dt,
        window_days,
        matrix_id,
        product_id,
        x_value,
        y_value,
        x_high AS x_clear_side,
        y_high AS y_clear_side,
        x_high AS x_plain_side,
        y_high AS y_plain_side,
        quadrant AS known_quadrant,
        previous_quadrant,
        days_in_quadrant
    FROM products.quadrants
    WHERE dt = $from_dt - 1
    UNION ALL
    SELECT
        dt,
        window_days,
        matrix_id,
        product_id,
        x_value,
        y_value,
        x_clear_side,
        y_clear_side,
        x_plain_side,
        y_plain_side,
        CAST(NULL AS VARCHAR) AS known_quadrant,
        CAST(NULL AS VARCHAR) AS previous_quadrant,
        CAST(NULL AS INTEGER) AS days_in_quadrant
    FROM paired
),

neighbours AS (
    SELECT
        dt,
        window_days,
        matrix_id,
        product_id,
        x_value,
        y_value,
        x_clear_side,
        y_clear_side,
        x_plain_side,
        y_plain_side,
        known_quadrant,
        previous_quadrant,
        days_in_quadrant,
        LAG(dt) OVER (PARTITION BY window_days, matrix_id, product_id ORDER BY dt) AS dt_before,
        LAG(x_value) OVER (PARTITION BY window_days, matrix_id, product_id ORDER BY dt) AS x_value_before,
        LAG(y_value) OVER (PARTITION BY window_days, matrix_id, product_id ORDER BY dt) AS y_value_before
    FROM history
),

-- What has no value the day before has no side to keep: there the plain side begins anew.
marked AS (
    SELECT
        dt,
        window_days,
        matrix_id,
        product_id,
        x_value,
        y_value,
        known_quadrant,
        previous_quadrant,
        days_in_quadrant,
        COALESCE(dt_before = dt - 1, FALSE) AS is_continued,
        CASE
            WHEN x_value IS NULL THEN NULL
            WHEN x_clear_side IS NOT NULL THEN x_clear_side
            WHEN x_value_before IS NULL OR dt_before < dt - 1 THEN x_plain_side
        END AS x_mark,
        CASE
            WHEN y_value IS NULL THEN NULL
            WHEN y_clear_side IS NOT NULL THEN y_clear_side
            WHEN y_value_before IS NULL OR dt_before < dt - 1 THEN y_plain_side
        END AS y_mark
    FROM neighbours
),

states AS (
    SELECT
        dt,
        window_days,
        matrix_id,
        product_id,
        known_quadrant,
        previous_quadrant,
        days_in_quadrant,
        is_continued,
        CASE
            WHEN x_value IS NOT NULL
                THEN LAST_VALUE(x_mark IGNORE NULLS) OVER (
                    PARTITION BY window_days, matrix_id, product_id
                    ORDER BY dt
                    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
                )
        END AS x_high,
        CASE
            WHEN y_value IS NOT NULL
                THEN LAST_VALUE(y_mark IGNORE NULLS) OVER (
                    PARTITION BY window_days, matrix_id, product_id
                    ORDER BY dt
                    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
                )
        END AS y_high
    FROM marked
),

named AS (
    SELECT
        states.dt,
        states.window_days,
        states.matrix_id,
        states.product_id,
        states.previous_quadrant,
        states.days_in_quadrant,
        states.is_continued,
        states.x_high,
        states.y_high,
        COALESCE(states.known_quadrant, cells.key, 'unknown') AS quadrant
    FROM states
    LEFT JOIN config.cells
        ON
            cells.matrix_id = states.matrix_id
            AND cells.code
            = CASE WHEN states.x_high THEN '1' WHEN NOT states.x_high THEN '0' END
            || CASE WHEN states.y_high THEN '1' WHEN NOT states.y_high THEN '0' END
),

stays AS (
    SELECT
        dt,
        window_days,
        matrix_id,
        product_id,
        previous_quadrant,
        days_in_quadrant,
        is_continued,
        x_high,
        y_high,
        quadrant,
        LAG(quadrant) OVER (PARTITION BY window_days, matrix_id, product_id ORDER BY dt) AS quadrant_before
    FROM named
),

-- Where a stay begins, and what it came from: '' for nothing.
beginnings AS (
    SELECT
        dt,
        window_days,
        matrix_id,
        product_id,
        x_high,
        y_high,
        quadrant,
        CASE
            WHEN days_in_quadrant IS NOT NULL THEN dt - (days_in_quadrant - 1)
            WHEN NOT is_continued OR quadrant_before <> quadrant THEN dt
        END AS began_on,
        CASE
            WHEN days_in_quadrant IS NOT NULL THEN COALESCE(previous_quadrant, '')
            WHEN NOT is_continued THEN ''
            WHEN quadrant_before <> quadrant THEN quadrant_before
        END AS came_from
    FROM stays
),

histories AS (
    SELECT
        dt,
        window_days,
        matrix_id,
        product_id,
        x_high,
        y_high,
        quadrant,
        LAST_VALUE(began_on IGNORE NULLS) OVER (
            PARTITION BY window_days, matrix_id, product_id
            ORDER BY dt
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS began_on,
        LAST_VALUE(came_from IGNORE NULLS) OVER (
            PARTITION BY window_days, matrix_id, product_id
            ORDER BY dt
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS came_from
    FROM beginnings
)

SELECT
    paired.dt,
    paired.window_days,
    paired.matrix_id,
    paired.product_id,
    paired.category,
    paired.x_value,
    paired.y_value,
    paired.x_raw_value,
    paired.y_raw_value,
    paired.x_threshold,
    paired.y_threshold,
    histories.x_high,
    histories.y_high,
    histories.quadrant,
    CASE
        WHEN paired.x_unknown_metric IS NOT NULL AND paired.y_unknown_metric IS NOT NULL
            THEN paired.x_unknown_metric || ', ' || paired.y_unknown_metric
        ELSE COALESCE(paired.x_unknown_metric, paired.y_unknown_metric)
    END AS unknown_metrics,
    NULLIF(histories.came_from, '') AS previous_quadrant,
    CAST(DATE_DIFF('day', histories.began_on, paired.dt) + 1 AS INTEGER) AS days_in_quadrant,
    paired.x_distance,
    paired.y_distance,
    paired.is_borderline,
    paired.is_small_sample,
    paired.revenue
FROM paired
INNER JOIN histories
    ON
        histories.dt = paired.dt
        AND histories.window_days = paired.window_days
        AND histories.matrix_id = paired.matrix_id
        AND histories.product_id = paired.product_id
