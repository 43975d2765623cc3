/* model
description: >
  Visitors of each hour of the day, for the last days only (setting hours.days), and how many of them had not come
  earlier that day. first_visits of the hours up to any hour sum to the exact number of the day's visitors so far.
grain: [dt, hour]
partition: dt
last_days: hours_days
columns:
  dt: {type: DATE, description: business day}
  hour: {type: INTEGER, description: "hour of the day by the shop's clocks, 0 to 23; an hour that the clocks repeat when summer time ends is one row"}
  events: {type: BIGINT, description: events}
  visitors: {type: BIGINT, description: "distinct persons with an event in the hour; do not add the numbers of several
      hours"}
  first_visits: {type: BIGINT, description: "persons whose first event of the day is in the hour"}
*/
WITH offsets AS (
    SELECT
        valid_from,
        valid_to,
        utc_offset_seconds
    FROM config.utc_offsets
),

-- One row for each person and hour.
visits AS (
    SELECT
        events.dt,
        CAST(EXTRACT(HOUR FROM events.occurred_at + offsets.utc_offset_seconds * INTERVAL '1' SECOND) AS INTEGER)
            AS hour,
        events.person_id,
        COUNT(*) AS events
    FROM core.events AS events
    INNER JOIN offsets
        ON events.occurred_at >= offsets.valid_from AND events.occurred_at < offsets.valid_to
    WHERE events.dt BETWEEN $from_dt AND $to_dt
    GROUP BY ALL
),

numbered AS (
    SELECT
        dt,
        hour,
        events,
        ROW_NUMBER() OVER (PARTITION BY dt, person_id ORDER BY hour) AS visit_no
    FROM visits
)

SELECT
    dt,
    hour,
    CAST(SUM(events) AS BIGINT) AS events,
    COUNT(*) AS visitors,
    COUNT(*) FILTER (WHERE visit_no = 1) AS first_visits
FROM numbered
GROUP BY dt, hour
