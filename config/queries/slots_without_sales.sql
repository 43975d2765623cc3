-- Slots with many exposures and no sales | 曝光多却无成交的坑位
-- At most fifty slots whose products were shown but led to no sale on any day. Consider other content there. | 全部日期合计，有商品曝光却没有带来成交的坑位（最多五十个），可考虑更换内容。
SELECT
    entrance_id,
    head_slot,
    head_content_id,
    sum(exposures) AS exposures,
    sum(product_clicks) AS product_clicks,
    sum(add_to_carts) AS add_to_carts
FROM attribution.slot_daily
WHERE head_slot IS NOT NULL
GROUP BY ALL
HAVING sum(order_lines) = 0 AND sum(exposures) > 0
ORDER BY exposures DESC
LIMIT 50
