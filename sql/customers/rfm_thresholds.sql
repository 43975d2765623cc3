/* model
description: >
  The thresholds between low and high of recency, frequency and money (octants in config/matrices.yaml), and the
  number of customers on each side.
grain: [dt, axis]
partition: dt
as_of: true
columns:
  dt: {type: DATE, description: business day; the row describes its end}
  axis: {type: VARCHAR, description: "r, f or m"}
  kind: {type: VARCHAR, description: "mean, median, percentile, fixed, fair_share or weighted_mean"}
  value: {type: DOUBLE, description: "the threshold, in the metric's unit; null if the weights of a weighted mean sum to 0; all customers are then low"}
  customers: {type: BIGINT, description: customers with a paid order in the window}
  low: {type: BIGINT, description: customers on the low side}
  high: {type: BIGINT, description: customers on the high side}
*/
WITH customers AS (
    SELECT
        CAST(recency_days AS DECIMAL(18, 4)) AS recency_days,
        CAST(frequency AS DECIMAL(18, 4)) AS frequency,
        monetary
    FROM customers.rfm_values
    WHERE dt = $dt
),

-- Many customers have equal values, so from here on each row is one distinct value of a metric.
metric_values AS (
    SELECT
        'recency_days' AS metric,
        recency_days AS value,
        COUNT(*) AS customers,
        SUM(recency_days) AS recency_days,
        SUM(frequency) AS frequency,
        SUM(monetary) AS monetary
    FROM customers
    GROUP BY customers.recency_days
    UNION ALL
    SELECT
        'frequency' AS metric,
        frequency AS value,
        COUNT(*) AS customers,
        SUM(recency_days) AS recency_days,
        SUM(frequency) AS frequency,
        SUM(monetary) AS monetary
    FROM customers
    GROUP BY customers.frequency
    UNION ALL
    SELECT
        'monetary' AS metric,
        monetary AS value,
        COUNT(*) AS customers,
        SUM(recency_days) AS recency_days,
        SUM(frequency) AS frequency,
        SUM(monetary) AS monetary
    FROM customers
    GROUP BY customers.monetary
),

axis_values AS (
    SELECT
        axes.axis,
        axes.kind,
        axes.argument,
        axes.is_low_high,
        CAST(metric_values.value AS DOUBLE) AS value,
        metric_values.customers,
        CASE axes.metric
            WHEN 'recency_days' THEN metric_values.recency_days
            WHEN 'frequency' THEN metric_values.frequency
            WHEN 'monetary' THEN metric_values.monetary
        END AS total,
        CAST(CASE axes.weight
            WHEN 'recency_days' THEN metric_values.recency_days
            WHEN 'frequency' THEN metric_values.frequency
            WHEN 'monetary' THEN metric_values.monetary
        END AS DOUBLE) AS weight
    FROM metric_values
    INNER JOIN config.octant_axes AS axes ON axes.metric = metric_values.metric
),

-- Places number the customers from 0, lowest value first. The place of the percentile is computed in hundredths, which
-- need no division and so no rounding.
placed AS (
    SELECT
        axis,
        kind,
        value,
        SUM(customers) OVER (PARTITION BY axis ORDER BY value) - customers AS first_place,
        SUM(customers) OVER (PARTITION BY axis ORDER BY value) - 1 AS last_place,
        CASE WHEN kind = 'median' THEN 50 ELSE argument END * (SUM(customers) OVER (PARTITION BY axis) - 1) AS hundredths
    FROM axis_values
    WHERE kind IN ('median', 'percentile')
),

neighbours AS (
    SELECT
        placed.*,
        FLOOR(hundredths / 100) AS lower_place,
        (hundredths - 100 * FLOOR(hundredths / 100)) / 100 AS part
    FROM placed
),

thresholds AS (
    SELECT
        axis,
        kind,
        CASE kind
            WHEN 'mean' THEN CAST(SUM(total) AS DOUBLE) / NULLIF(SUM(customers), 0)
            WHEN 'fair_share' THEN argument * CAST(SUM(total) AS DOUBLE) / NULLIF(SUM(customers), 0)
            WHEN 'fixed' THEN argument
            WHEN 'weighted_mean' THEN SUM(value * weight) / NULLIF(SUM(weight), 0)
        END AS value
    FROM axis_values
    WHERE kind NOT IN ('median', 'percentile')
    GROUP BY axis, kind, argument
    UNION ALL
    -- A percentile is interpolated linearly between the values at the two nearest places.
    SELECT
        axis,
        kind,
        SUM(
            CASE WHEN lower_place BETWEEN first_place AND last_place THEN value * (1 - part) ELSE 0 END
            + CASE WHEN lower_place + 1 BETWEEN first_place AND last_place THEN value * part ELSE 0 END
        ) AS value
    FROM neighbours
    GROUP BY axis, kind
),

-- A difference from the threshold that is only a rounding error counts as equal.
sides AS (
    SELECT
        thresholds.*,
        axis_values.customers,
        COALESCE(
            (axis_values.value - thresholds.value > 1e-9 * ABS(thresholds.value)) <> axis_values.is_low_high, FALSE
        ) AS is_high
    FROM axis_values
    INNER JOIN thresholds USING (axis)
)

SELECT
    $dt AS dt,
    axis,
    kind,
    value,
    CAST(SUM(customers) AS BIGINT) AS customers,
    CAST(COALESCE(SUM(customers) FILTER (WHERE NOT is_high), 0) AS BIGINT) AS low,
    CAST(COALESCE(SUM(customers) FILTER (WHERE is_high), 0) AS BIGINT) AS high
FROM sides
GROUP BY axis, kind, value
