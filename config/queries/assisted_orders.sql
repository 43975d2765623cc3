-- Assisted and last-touch orders of channels | 各渠道的助攻订单与末次触点订单
-- In the 28 days up to the last computed day: how many orders each channel touched, began, assisted and closed. An order counts at each of its channels, so do not add them up. | 最近 28 天（截至最后一个有数据的日期）各渠道触达、开启、助攻和促成的订单数；一个订单在它的每个渠道都算一次，各渠道不可相加。
WITH days AS (
    SELECT max(dt) AS last_day FROM attribution.touchpoint_daily
)
SELECT
    touchpoint AS channel,
    sum(orders_touched) AS orders_touched,
    sum(first_touch_orders) AS first_touch_orders,
    sum(assisted_orders) AS assisted_orders,
    sum(last_touch_orders) AS last_touch_orders,
    sum(sole_orders) AS sole_orders,
    round(CAST(sum(assisted_orders) AS DOUBLE) / nullif(sum(last_touch_orders), 0), 2) AS assist_ratio
FROM attribution.touchpoint_daily, days
WHERE dt > last_day - 28 AND touchpoint_type = 'channel' AND touchpoint <> '(unattributed)'
GROUP BY touchpoint
ORDER BY orders_touched DESC, touchpoint
