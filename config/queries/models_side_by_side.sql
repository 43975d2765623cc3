-- Sales by attribution model | 各归因模型下的销售额
-- The same sales, shared among entrances, slots, channels and campaigns by each model, in the 28 days up to the last computed day. Within a type all columns have the same total; do not add columns or types. | 最近 28 天（截至最后一个有数据的日期）的同一批销售额按不同模型分给入口、坑位、渠道和推广活动；同一类型内每列的合计相同，列与列、类型与类型不可相加。
WITH days AS (
    SELECT max(dt) AS last_day FROM attribution.model_daily
)
SELECT
    touchpoint_type,
    touchpoint,
    sum(revenue) FILTER (WHERE model = 'first') AS first_touch,
    sum(revenue) FILTER (WHERE model = 'last') AS last_touch,
    sum(revenue) FILTER (WHERE model = 'linear') AS linear,
    sum(revenue) FILTER (WHERE model = 'position_based') AS position_based,
    sum(revenue) FILTER (WHERE model = 'time_decay') AS time_decay,
    sum(revenue) FILTER (WHERE model = 'markov') AS markov,
    sum(revenue) FILTER (WHERE model = 'shapley') AS shapley
FROM attribution.model_daily, days
WHERE dt > last_day - 28
GROUP BY touchpoint_type, touchpoint
ORDER BY touchpoint_type, linear DESC NULLS LAST, touchpoint
