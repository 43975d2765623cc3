-- A/B tests.

-- query variants: Traffic and sales of each variant of each test on these days.
-- first_seen counts visitors by the first variant that they saw; all other figures exclude visitors who saw several.
WITH seen AS (
    SELECT experiment, person_id, arg_min(variant, (first_at, variant)) AS variant,
        count(DISTINCT variant) = 1 AS is_kept, min(first_at) AS first_at, min(dt) AS first_day, max(dt) AS last_day,
        sum(impressions) AS impressions, sum(clicks) AS clicks
    FROM attribution.visitor_variants
    WHERE dt BETWEEN $first AND $last
    GROUP BY ALL
), sales AS (
    SELECT seen.experiment, seen.person_id, sum(orders.revenue) AS revenue
    FROM seen
    JOIN core.paid_orders AS orders ON orders.user_id = seen.person_id AND orders.ordered_at >= seen.first_at
    WHERE orders.dt BETWEEN $first AND $last
    GROUP BY ALL
), people AS (
    SELECT seen.*, sales.person_id IS NOT NULL AS is_buyer, CAST(coalesce(sales.revenue, 0) AS DOUBLE) AS spent,
        coalesce(sales.revenue, 0) AS revenue
    FROM seen LEFT JOIN sales USING (experiment, person_id)
)
SELECT experiment, variant, count(*) AS first_seen, count(*) FILTER (WHERE is_kept) AS variant_visitors,
    min(first_day) AS first_day, max(last_day) AS last_day,
    coalesce(sum(impressions) FILTER (WHERE is_kept), 0) AS variant_impressions,
    coalesce(sum(clicks) FILTER (WHERE is_kept), 0) AS variant_clicks,
    count(*) FILTER (WHERE is_kept AND is_buyer) AS variant_buyers,
    coalesce(sum(revenue) FILTER (WHERE is_kept), 0) AS variant_revenue,
    coalesce(var_samp(impressions) FILTER (WHERE is_kept), 0) AS var_impressions,
    coalesce(var_samp(clicks) FILTER (WHERE is_kept), 0) AS var_clicks,
    coalesce(covar_samp(impressions, clicks) FILTER (WHERE is_kept), 0) AS covariance,
    coalesce(var_samp(spent) FILTER (WHERE is_kept), 0) AS var_revenue
FROM people
GROUP BY ALL ORDER BY experiment, variant;
