/* model
description: >
  Where recency, frequency and money are cut into high and low (config/matrices.yaml, octants), and how many customers
  lie on each side.
grain: [dt, axis]
partition: dt
as_of: true
columns:
  dt: {type: DATE, description: the day at whose end this is so}
  axis: {type: VARCHAR, description: "r, f or m"}
  kind: {type: VARCHAR, description: "mean, median, percentile, fixed, fair_share or weighted_mean"}
  value: {type: DOUBLE, description: "the threshold, in the metric's unit; null if there is nothing to weigh by"}
  customers: {type: BIGINT, description: customers with a paid order in the window}
  low: {type: BIGINT, description: of these those on the low side}
  high: {type: BIGINT, description: of these those on the high side}
*/
WITH axis_values AS (
    SELECT
        axes.axis,
        axes.kind,
        axes.argument,
        axes.is_low_high,
        CASE axes.metric
            WHEN 'recency_days' THEN CAST(customers.recency_days AS DOUBLE)
            WHEN 'frequency' THEN CAST(customers.frequency AS DOUBLE)
            WHEN 'monetary' THEN CAST(customers.monetary AS DOUBLE)
        END AS value,
        CASE axes.weight
            WHEN 'recency_days' THEN CAST(customers.recency_days AS DOUBLE)
            WHEN 'frequency' THEN CAST(customers.frequency AS DOUBLE)
            WHEN 'monetary' THEN CAST(customers.monetary AS DOUBLE)
        END AS weight
    FROM customers.rfm_values AS customers
    CROSS JOIN config.axes AS axes
    WHERE
        customers.dt = $dt
        AND axes.matrix_id = 'octants'
),

-- A percentile lies between the two values next to it, each weighed by how near it is.
ranked AS (
    SELECT
        axis,
        value,
        ROW_NUMBER() OVER (PARTITION BY axis ORDER BY value) AS place,
        1
        + CASE WHEN kind = 'median' THEN 0.5 ELSE argument / 100 END
        * (COUNT(*) OVER (PARTITION BY axis) - 1) AS target
    FROM axis_values
    WHERE kind IN ('median', 'percentile')
),

percentiles AS (
    SELECT
        axis,
        SUM(value * GREATEST(0, 1 - ABS(place - target))) AS value
    FROM ranked
    GROUP BY axis
),

cuts AS (
    SELECT
        axis,
        kind,
        CASE kind
            WHEN 'mean' THEN AVG(value)
            WHEN 'fair_share' THEN argument * AVG(value)
            WHEN 'fixed' THEN argument
            WHEN 'weighted_mean' THEN SUM(value * weight) / NULLIF(SUM(weight), 0)
        END AS value
    FROM axis_values
    GROUP BY axis, kind, argument
),

thresholds AS (
    SELECT
        cuts.axis,
        cuts.kind,
        COALESCE(percentiles.value, cuts.value) AS value
    FROM cuts
    LEFT JOIN percentiles ON percentiles.axis = cuts.axis
)

SELECT
    $dt AS dt,
    thresholds.axis,
    thresholds.kind,
    thresholds.value,
    COUNT(*) AS customers,
    -- A threshold that was summed up may be off in its last digits: equal to it is not beyond it.
    COUNT(*) FILTER (
        WHERE (axis_values.value - thresholds.value > 1e-9 * ABS(thresholds.value)) = axis_values.is_low_high
    ) AS low,
    COUNT(*) FILTER (
        WHERE (axis_values.value - thresholds.value > 1e-9 * ABS(thresholds.value)) <> axis_values.is_low_high
    ) AS high
FROM axis_values
INNER JOIN thresholds ON thresholds.axis = axis_values.axis
GROUP BY thresholds.axis, thresholds.kind, thresholds.value
