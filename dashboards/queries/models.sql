-- The attribution models side by side.

-- query models: The entrances' sales by each attribution model.
SELECT 'fused' AS model, entrance_id AS entrance, sum(revenue) AS revenue, sum(order_lines)::DOUBLE AS conversions
FROM attribution.entrance_daily WHERE dt BETWEEN $first AND $last GROUP BY 1, 2
UNION ALL
SELECT model, touchpoint, sum(revenue), sum(conversions)
FROM attribution.model_daily
WHERE dt BETWEEN $first AND $last AND touchpoint_type = 'entrance' GROUP BY 1, 2
ORDER BY model, entrance;
