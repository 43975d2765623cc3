-- Journeys: how many days and touchpoints it takes until an order, and which paths lead to no order.

-- query totals: Orders with a touch: how many, the mean length and days of their paths, how many have only one touch.
SELECT METRICS(orders_with_touch, mean_path_length, mean_days_to_order, single_touch_share, same_day_share)
FROM attribution.touch_lag_daily
WHERE dt BETWEEN $from AND $to AND touchpoint_type = $type;

-- query untouched: Orders without a touch.
SELECT METRICS(orders_touched) AS orders_without_touch
FROM attribution.touchpoint_daily
WHERE dt BETWEEN $from AND $to AND touchpoint_type = $type AND touchpoint = '(unattributed)';

-- query lags: Orders by the days from their first touch.
SELECT days_to_order AS bucket, METRICS(orders_with_touch, order_share, revenue)
FROM attribution.touch_lag_daily
WHERE dt BETWEEN $from AND $to AND touchpoint_type = $type
GROUP BY days_to_order ORDER BY days_to_order;

-- query lengths: Orders by the number of their touches; the last bucket, $most, is that many or more.
SELECT least(path_length, $most) AS bucket, METRICS(orders_with_touch, order_share, revenue)
FROM attribution.touch_lag_daily
WHERE dt BETWEEN $from AND $to AND touchpoint_type = $type
GROUP BY 1 ORDER BY 1;

-- query touchpoints: How often each touchpoint is in the orders' paths, and in which role.
SELECT touchpoint, METRICS(orders_touched, first_touch_orders, last_touch_orders, assisted_orders, sole_orders),
    METRICS(assist_ratio), (
        SELECT sum(before.orders_touched) FROM attribution.touchpoint_daily AS before
        WHERE before.dt BETWEEN $then_first AND $then_last AND before.touchpoint_type = $type
            AND before.touchpoint = now.touchpoint
    ) AS orders_touched_before
FROM attribution.touchpoint_daily AS now
WHERE now.dt BETWEEN $first AND $last AND now.touchpoint_type = $type AND now.touchpoint <> '(unattributed)'
GROUP BY touchpoint
ORDER BY orders_touched DESC, touchpoint;

-- query buyers: Orders of new and of returning users, with the mean length and days of their paths.
SELECT first_orders.order_id IS NOT NULL AS is_first, count(*) AS orders,
    count(*) FILTER (WHERE paths.path_length = 0) AS orders_without_touch,
    avg(paths.path_length) FILTER (WHERE paths.path_length > 0) AS mean_path_length,
    avg(floor(greatest(date_diff('microsecond', paths.first_touch_at, paths.ordered_at), 0) / 86400000000.0))
        FILTER (WHERE paths.path_length > 0) AS mean_days_to_order,
    count(*) FILTER (WHERE paths.path_length = 1)
        / nullif(CAST(count(*) FILTER (WHERE paths.path_length > 0) AS DOUBLE), 0) AS single_touch_share
FROM attribution.paths AS paths
JOIN core.paid_orders AS orders ON orders.order_id = paths.path_id AND orders.dt = paths.dt
LEFT JOIN core.first_orders AS first_orders ON first_orders.order_id = paths.path_id
WHERE paths.dt BETWEEN $first AND $last AND paths.kind = 'order' AND paths.touchpoint_type = $type
GROUP BY 1 ORDER BY 1 DESC;

-- query paths: The paths with the most orders as of a day, at most $most; through the touchpoint $via, if it is not ''.
SELECT transformed_path, path_length, orders, conversions AS order_lines, non_conversions, order_rate, revenue,
    count(*) OVER () AS all_paths
FROM attribution.touch_path_summary
WHERE dt = $day AND touchpoint_type = $type
    AND ($via = '' OR list_contains(
        string_split(regexp_replace(transformed_path, '\(\d+\)( > |$)', '\1', 'g'), ' > '), $via
    ))
ORDER BY orders DESC, non_conversions DESC, transformed_path
LIMIT $most;

-- query paths_without_orders: The paths with the most persons without an order as of a day, at most $most paths.
SELECT transformed_path, path_length, non_conversions, count(*) OVER () AS all_paths
FROM attribution.touch_path_summary
WHERE dt = $day AND touchpoint_type = $type AND orders = 0 AND non_conversions > 0
    AND ($via = '' OR list_contains(
        string_split(regexp_replace(transformed_path, '\(\d+\)( > |$)', '\1', 'g'), ' > '), $via
    ))
ORDER BY non_conversions DESC, path_length, transformed_path
LIMIT $most;

-- query steps: The touchpoints on the paths as of a day.
SELECT DISTINCT regexp_replace(unnest(string_split(transformed_path, ' > ')), '\(\d+\)$', '') AS touchpoint
FROM attribution.touch_path_summary
WHERE dt = $day AND touchpoint_type = $type AND path_length > 0
ORDER BY touchpoint;
