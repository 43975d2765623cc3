/* model
description: >
  Who came on each day, one row for each person and day, with the platform and the channel by which they came.
  COUNT(DISTINCT person_id) over any range of days gives the exact number of visitors; adding up the visitors of single
  days does not.
grain: [dt, person_id]
partition: dt
detail: true
sorted_by: [person_id]
reads: {core.sessions: 1}
columns:
  dt: {type: DATE, description: business day}
  person_id: {type: VARCHAR, description: as in core.events; a person who never logs in counts once on each device}
  platform: {type: VARCHAR, description: "platform of the person's first event of the day that has one; '(unknown)' if none has"}
  channel: {type: VARCHAR, description: "channel of the person's first session of the day; if none began on the day, of the latest one of the day before; otherwise unassigned"}
*/
WITH platforms AS (
    SELECT
        dt,
        person_id,
        platform,
        MIN(occurred_at) AS first_at
    FROM core.events
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt, person_id, platform
),

visitors AS (
    SELECT
        dt,
        person_id,
        platform,
        ROW_NUMBER() OVER (
            PARTITION BY dt, person_id
            ORDER BY platform IS NULL, first_at, platform
        ) AS platform_no
    FROM platforms
),

sessions AS (
    SELECT
        dt,
        person_id,
        channel,
        ROW_NUMBER() OVER (PARTITION BY dt, person_id ORDER BY started_at, session_id) AS session_no,
        ROW_NUMBER() OVER (PARTITION BY dt, person_id ORDER BY started_at DESC, session_id DESC) AS session_no_from_end
    FROM core.sessions
    WHERE dt BETWEEN $from_dt - 1 AND $to_dt
)

SELECT
    visitors.dt,
    visitors.person_id,
    COALESCE(visitors.platform, '(unknown)') AS platform,
    COALESCE(first_sessions.channel, sessions_before.channel, 'unassigned') AS channel
FROM visitors
LEFT JOIN sessions AS first_sessions
    ON
        first_sessions.person_id = visitors.person_id
        AND first_sessions.dt = visitors.dt
        AND first_sessions.session_no = 1
LEFT JOIN sessions AS sessions_before
    ON
        sessions_before.person_id = visitors.person_id
        AND DATE_DIFF('day', sessions_before.dt, visitors.dt) = 1
        AND sessions_before.session_no_from_end = 1
WHERE visitors.platform_no = 1
