-- Expected sales of customers after a month end.

-- query fits: The models fitted as of the month end.
SELECT * FROM customers.clv_fits WHERE dt = $month_end;

-- query by_segment: Expected sales of each segment.
SELECT rfm.segment AS key, count(*) AS customers, round(sum(expected_orders_90d), 4) AS expected_orders,
    round(sum(expected_value_90d), 4) AS expected_value, round(avg(expected_value_90d), 4) AS mean_expected_value,
    round(avg(p_alive), 6) AS alive_share
FROM customers.clv AS clv LEFT JOIN customers.rfm AS rfm ON rfm.dt = $day AND rfm.user_id = clv.user_id
WHERE clv.dt = $month_end
GROUP BY ALL ORDER BY expected_value DESC NULLS LAST, expected_orders DESC NULLS LAST, key;

-- query by_tenth: Expected sales of each decile of customers, best first.
WITH ranked AS (
    SELECT *, ntile(10) OVER (ORDER BY coalesce(expected_value_90d, expected_orders_90d) DESC, user_id) AS tenth
    FROM customers.clv WHERE dt = $month_end
)
SELECT CAST(tenth AS VARCHAR) AS key, count(*) AS customers, round(sum(expected_orders_90d), 4) AS expected_orders,
    round(sum(expected_value_90d), 4) AS expected_value, round(avg(expected_value_90d), 4) AS mean_expected_value,
    round(avg(p_alive), 6) AS alive_share
FROM ranked GROUP BY tenth ORDER BY tenth;
