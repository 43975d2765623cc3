/* check
model: core.traffic_hourly
severity: error
description: On each day the hours' events and first visits sum to the events and visitors in core.traffic_daily.
remedy: Compare traffic_hourly with traffic_daily of that day; a person was lost or counted twice.
*/
WITH hours AS (
    SELECT
        dt,
        SUM(events) AS events,
        SUM(first_visits) AS first_visits
    FROM core.traffic_hourly
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt
),

days AS (
    SELECT
        dt,
        events,
        visitors
    FROM core.traffic_daily
    WHERE dt BETWEEN $from_dt AND $to_dt
)

SELECT
    dt,
    hours.events AS hourly_events,
    days.events AS daily_events,
    hours.first_visits,
    days.visitors
FROM hours
FULL JOIN days USING (dt)
WHERE
    COALESCE(hours.events, 0) <> COALESCE(days.events, 0)
    OR COALESCE(hours.first_visits, 0) <> COALESCE(days.visitors, 0)
