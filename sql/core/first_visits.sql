/* model
description: >
  New visitors of each day: the persons who had not come on any of the 365 days before, with where they came from on
  that day. A person who returns after a longer absence is new again. On the first days of a log all visitors seem to be
  new.
grain: [dt, person_id]
partition: dt
detail: true
sorted_by: [person_id]
reads: {core.visitors: 365}
columns:
  dt: {type: DATE, description: business day of the first visit}
  person_id: {type: VARCHAR, description: as in core.events}
  entrance_id: {type: VARCHAR, description: "the first entrance that the person clicked on that day; '(direct)' = none"}
  channel: {type: VARCHAR, description: "the person's channel of that day, as in core.visitors"}
*/
WITH arrivals AS (
    SELECT DISTINCT person_id
    FROM core.visitors
    WHERE dt BETWEEN $from_dt AND $to_dt
),

visits AS (
    SELECT
        visitors.dt,
        visitors.person_id,
        visitors.channel,
        LAG(visitors.dt) OVER (PARTITION BY visitors.person_id ORDER BY visitors.dt) AS dt_before
    FROM core.visitors AS visitors
    SEMI JOIN arrivals USING (person_id)
    WHERE visitors.dt BETWEEN $from_dt - 365 AND $to_dt
),

first_visits AS (
    SELECT
        dt,
        person_id,
        channel
    FROM visits
    WHERE
        dt BETWEEN $from_dt AND $to_dt
        AND COALESCE(DATE_DIFF('day', dt_before, dt) > 365, TRUE)
),

clicks AS (
    SELECT
        dt,
        person_id,
        entrance_id,
        ROW_NUMBER() OVER (PARTITION BY dt, person_id ORDER BY occurred_at, event_id) AS click_no
    FROM core.events
    WHERE
        dt BETWEEN $from_dt AND $to_dt
        AND event_type = 'click'
        AND entrance_id IS NOT NULL
)

SELECT
    first_visits.dt,
    first_visits.person_id,
    COALESCE(clicks.entrance_id, '(direct)') AS entrance_id,
    first_visits.channel
FROM first_visits
LEFT JOIN clicks
    ON
        clicks.dt = first_visits.dt
        AND clicks.person_id = first_visits.person_id
        AND clicks.click_no = 1
