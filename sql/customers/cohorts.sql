/* model
description: >
  Customers by the month of their first paid order, and how many of them bought again in each later month. For a month
  that is not complete yet, judged by the last day with paid orders, the figures are null, not 0.
grain: [cohort_month, months_since]
reads: {core.order_lines: all}
columns:
  cohort_month: {type: DATE, description: first day of the month of the first paid order}
  months_since: {type: INTEGER, description: "months after the cohort's month; 0 = that month itself"}
  customers: {type: BIGINT, description: "customers whose first paid order was in the cohort's month"}
  retained: {type: BIGINT, description: customers of the cohort with a paid order in the later month; null while that month is not complete}
  retention_rate: {type: DOUBLE, description: retained / customers}
  revenue: {type: "DECIMAL(18,4)", description: "Σ revenue of the cohort's orders in the later month, reporting currency; null while that month is not complete"}
*/
WITH lines AS (
    SELECT
        user_id,
        dt,
        CAST(DATE_TRUNC('month', dt) AS DATE) AS month,
        revenue
    FROM core.order_lines
    WHERE user_id IS NOT NULL
),

last_day AS (
    SELECT
        MAX(dt) AS dt,
        CAST(DATE_TRUNC('month', MAX(dt)) AS DATE) AS month,
        CAST(DATE_TRUNC('month', CAST(MAX(dt) + INTERVAL 1 DAY AS DATE)) AS DATE) AS month_of_next_day
    FROM core.order_lines
),

first_months AS (
    SELECT
        user_id,
        MIN(month) AS cohort_month
    FROM lines
    GROUP BY user_id
),

cohorts AS (
    SELECT
        first_months.cohort_month,
        COUNT(*) AS customers,
        12 * (YEAR(last_day.month) - YEAR(first_months.cohort_month))
        + MONTH(last_day.month) - MONTH(first_months.cohort_month) AS last_month
    FROM first_months
    CROSS JOIN last_day
    GROUP BY first_months.cohort_month, last_day.month
),

bought AS (
    SELECT
        first_months.cohort_month,
        12 * (YEAR(lines.month) - YEAR(first_months.cohort_month))
        + MONTH(lines.month) - MONTH(first_months.cohort_month) AS months_since,
        COUNT(DISTINCT lines.user_id) AS retained,
        SUM(lines.revenue) AS revenue
    FROM lines
    INNER JOIN first_months ON first_months.user_id = lines.user_id
    GROUP BY first_months.cohort_month, months_since
),

months AS (
    SELECT
        cohorts.cohort_month,
        cohorts.customers,
        numbers.months_since,
        numbers.months_since < cohorts.last_month OR last_day.month_of_next_day > last_day.month AS is_over
    FROM cohorts
    CROSS JOIN last_day
    CROSS JOIN UNNEST(GENERATE_SERIES(0, cohorts.last_month, 1)) AS numbers (months_since)
)

SELECT
    cohort_month,
    CAST(months_since AS INTEGER) AS months_since,
    months.customers,
    CASE WHEN months.is_over THEN CAST(COALESCE(bought.retained, 0) AS BIGINT) END AS retained,
    CASE
        WHEN months.is_over THEN CAST(COALESCE(bought.retained, 0) AS DOUBLE) / NULLIF(months.customers, 0)
    END AS retention_rate,
    CASE WHEN months.is_over THEN CAST(COALESCE(bought.revenue, 0) AS DECIMAL(18, 4)) END AS revenue
FROM months
LEFT JOIN bought USING (cohort_month, months_since)
