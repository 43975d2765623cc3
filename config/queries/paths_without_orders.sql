-- Paths of channels that do not convert | 没有成交的渠道路径
-- The fifty paths over channels with the most persons who have not ordered, as of the latest snapshot. | 截至最近一次快照，停留人数最多而没有任何订单的五十条渠道路径。
SELECT
    transformed_path,
    path_length,
    non_conversions
FROM attribution.touch_path_summary
WHERE
    dt = (SELECT max(dt) FROM attribution.touch_path_summary)
    AND touchpoint_type = 'channel'
    AND orders = 0
    AND non_conversions > 0
ORDER BY non_conversions DESC, path_length, transformed_path
LIMIT 50
