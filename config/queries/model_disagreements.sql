-- Where the attribution models disagree most | 归因模型分歧最大的触点
-- The fifty touchpoints whose share of sales differs most between the models, in the 28 days up to the last computed day, with the smallest and the largest share. | 最近 28 天（截至最后一个有数据的日期）各归因模型给出的销售额占比相差最大的五十个触点，及其最低与最高占比。
WITH days AS (
    SELECT max(dt) AS last_day FROM attribution.model_daily
), sums AS (
    SELECT touchpoint_type, touchpoint, model, sum(revenue) AS revenue
    FROM attribution.model_daily, days
    WHERE dt > last_day - 28
    GROUP BY touchpoint_type, touchpoint, model
), models AS (
    SELECT DISTINCT touchpoint_type, model FROM sums
), touchpoints AS (
    SELECT DISTINCT touchpoint_type, touchpoint FROM sums
), shares AS (
    SELECT touchpoint_type, touchpoint, model,
        coalesce(sums.revenue, 0) / nullif(sum(sums.revenue) OVER (PARTITION BY touchpoint_type, model), 0) AS share
    FROM touchpoints JOIN models USING (touchpoint_type) LEFT JOIN sums USING (touchpoint_type, touchpoint, model)
)
SELECT
    touchpoint_type,
    touchpoint,
    round(max(share) - min(share), 4) AS share_spread,
    round(min(share), 4) AS smallest_share,
    arg_min(model, share) AS smallest_by,
    round(max(share), 4) AS largest_share,
    arg_max(model, share) AS largest_by
FROM shares
GROUP BY touchpoint_type, touchpoint
ORDER BY share_spread DESC, touchpoint_type, touchpoint
LIMIT 50
