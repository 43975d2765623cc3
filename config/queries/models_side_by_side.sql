-- Sales of entrances by attribution model | 各归因模型下的入口销售额
-- The same sales, shared among the entrances by each model. All columns have the same total; do not add columns. | 同一批销售额按不同模型分给各入口：每列的合计相同，列与列不可相加。
SELECT
    touchpoint,
    sum(revenue) FILTER (WHERE model = 'first') AS first_touch,
    sum(revenue) FILTER (WHERE model = 'last') AS last_touch,
    sum(revenue) FILTER (WHERE model = 'linear') AS linear,
    sum(revenue) FILTER (WHERE model = 'position_based') AS position_based,
    sum(revenue) FILTER (WHERE model = 'time_decay') AS time_decay
FROM attribution.model_daily
WHERE touchpoint_type = 'entrance'
GROUP BY touchpoint
ORDER BY linear DESC NULLS LAST
