/* model
description: >
  Customers by lifecycle stage. The current period is the last period_days, including dt; the previous period is the
  same number of days before it. New: the first paid order is in the current period. Active: paid orders in both
  periods. Returning: in the current period, not in the previous one. Dormant: none in the current period. Churned:
  none in the last churned_days.
grain: [dt, stage]
partition: dt
as_of: true
reads: {core.order_lines: lifecycle_history_days - 1}
columns:
  dt: {type: DATE, description: business day; the row describes its end}
  stage: {type: VARCHAR, description: "new, active, returning, dormant or churned"}
  customers: {type: BIGINT, description: customers in this stage with a paid order in the last history_days}
  revenue: {type: "DECIMAL(18,4)", description: "Σ revenue of their paid orders in the current period, reporting currency"}
*/
WITH customers AS (
    SELECT
        user_id,
        MIN(dt) AS first_paid_on,
        MAX(dt) AS last_paid_on,
        COUNT(*) FILTER (
            WHERE
                dt > $dt - 2 * $lifecycle_period_days
                AND dt <= $dt - $lifecycle_period_days
        ) AS lines_in_period_before,
        SUM(revenue) FILTER (WHERE dt > $dt - $lifecycle_period_days) AS revenue
    FROM core.order_lines
    WHERE
        dt BETWEEN $dt - ($lifecycle_history_days - 1) AND $dt
        AND user_id IS NOT NULL
    GROUP BY user_id
),

staged AS (
    SELECT
        CASE
            WHEN last_paid_on <= $dt - $lifecycle_churned_days THEN 'churned'
            WHEN last_paid_on <= $dt - $lifecycle_period_days THEN 'dormant'
            WHEN first_paid_on > $dt - $lifecycle_period_days THEN 'new'
            WHEN lines_in_period_before > 0 THEN 'active'
            ELSE 'returning'
        END AS stage,
        revenue
    FROM customers
),

counted AS (
    SELECT
        stage,
        COUNT(*) AS customers,
        SUM(revenue) AS revenue
    FROM staged
    GROUP BY stage
),

stages AS (
    SELECT stage
    FROM (VALUES ('new'), ('active'), ('returning'), ('dormant'), ('churned')) AS named (stage)
)

SELECT
    $dt AS dt,
    stages.stage,
    CAST(COALESCE(counted.customers, 0) AS BIGINT) AS customers,
    CAST(COALESCE(counted.revenue, 0) AS DECIMAL(18, 4)) AS revenue
FROM stages
LEFT JOIN counted ON counted.stage = stages.stage
