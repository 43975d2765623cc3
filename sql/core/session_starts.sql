/* model
description: >
  Sessions: the events of one person on one device without a pause of sessions.timeout_minutes. A session belongs to the
  day on which it begins, even if it continues after midnight. Other utm tags or another click id begin a new session; a
  log may repeat the utm tags on later events without the click id. The tags and the referrer of a session are those of
  its first event that has any.
grain: [session_id]
partition: dt
detail: true
sorted_by: [device_id, started_at]
reads: {core.events: 1, core.event_sources: 1}
columns:
  session_id: {type: VARCHAR, description: event_id of the first event}
  person_id: {type: VARCHAR, description: "as in core.events, of the first event"}
  device_id: {type: VARCHAR, description: device that sent all events}
  started_at: {type: TIMESTAMP, description: "occurred_at of the first event, UTC"}
  page_type: {type: VARCHAR, description: page type of the first event}
  page_url: {type: VARCHAR, description: address of the page of the first event; null = none sent}
  utm_source: {type: VARCHAR, description: "as in core.event_sources, of the first event of the session that has a row there; null = none"}
  utm_medium: {type: VARCHAR, description: as utm_source}
  utm_campaign: {type: VARCHAR, description: as utm_source}
  click_id: {type: VARCHAR, description: as utm_source}
  referrer_host: {type: VARCHAR, description: as utm_source}
  page_views: {type: BIGINT, description: page_view events on the day of the start}
  last_event_at: {type: TIMESTAMP, description: "occurred_at of the last event on the day of the start, UTC"}
  dt: {type: DATE, description: business day of started_at}
*/
WITH sources AS (
    SELECT
        event_id,
        CASE
            WHEN COALESCE(utm_source, utm_medium, utm_campaign) IS NOT NULL THEN STRUCT_PACK(
                utm_source := utm_source,
                utm_medium := utm_medium,
                utm_campaign := utm_campaign
            )
        END AS utm,
        click_id,
        referrer_host,
        dt
    FROM core.event_sources
    WHERE dt BETWEEN $from_dt - 1 AND $to_dt
),

events AS (
    SELECT
        events.event_id,
        events.device_id,
        events.person_id,
        CASE WHEN events.person_id <> 'device:' || events.device_id THEN events.person_id END AS user_id,
        events.event_type,
        events.occurred_at,
        events.device_time,
        events.page_id,
        events.event_rank,
        sources.utm,
        sources.click_id,
        sources.referrer_host,
        events.dt
    FROM core.events AS events
    LEFT JOIN sources USING (event_id, dt)
    WHERE events.dt BETWEEN $from_dt - 1 AND $to_dt
),

beside_previous AS (
    SELECT
        events.*,
        ROW_NUMBER() OVER by_time AS event_no,
        LAG(occurred_at) OVER by_time AS occurred_at_before,
        LAG(dt) OVER by_time AS dt_before,
        LAG(user_id) OVER by_time AS user_id_before,
        LAG(utm) OVER by_time AS utm_before,
        LAG(click_id) OVER by_time AS click_id_before,
        COUNT(CASE WHEN event_type = 'page_view' THEN 1 END) OVER up_to_previous AS page_views_before
    FROM events
    WINDOW
        by_time AS (
            PARTITION BY device_id
            ORDER BY occurred_at, device_time, page_id, event_rank, event_id
        ),
        up_to_previous AS (
            PARTITION BY device_id
            ORDER BY occurred_at, device_time, page_id, event_rank, event_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
),

sittings AS (
    SELECT
        beside_previous.*,
        COALESCE(occurred_at >= occurred_at_before + $sessions_timeout_minutes * INTERVAL '1' MINUTE, TRUE)
            AS is_after_pause
    FROM beside_previous
),

devices AS (
    SELECT
        device_id,
        COUNT(*) FILTER (WHERE event_type = 'page_view') AS page_views,
        MAX(occurred_at) AS last_event_at
    FROM core.events
    WHERE dt BETWEEN $from_dt - 1 AND $to_dt
    GROUP BY device_id
),

-- A turn is an event that may begin a session or give it a source. The events between two turns do neither.
turns AS (
    SELECT
        sittings.event_id,
        sittings.device_id,
        sittings.person_id,
        sittings.user_id,
        sittings.occurred_at,
        sittings.utm,
        sittings.click_id,
        sittings.referrer_host,
        sittings.dt,
        sittings.event_no AS turn_no,
        COALESCE(LEAD(sittings.page_views_before) OVER by_turn, devices.page_views) - sittings.page_views_before
            AS page_views,
        COALESCE(LEAD(sittings.occurred_at_before) OVER by_turn, devices.last_event_at) AS last_event_at,
        COUNT(CASE WHEN sittings.is_after_pause THEN 1 END) OVER up_to_turn AS sitting_no
    FROM sittings
    INNER JOIN devices USING (device_id)
    WHERE
        sittings.is_after_pause
        OR sittings.dt <> sittings.dt_before
        OR sittings.user_id <> COALESCE(sittings.user_id_before, '')
        OR (sittings.utm IS NOT NULL AND sittings.utm IS DISTINCT FROM sittings.utm_before)
        OR (sittings.click_id IS NOT NULL AND sittings.click_id IS DISTINCT FROM sittings.click_id_before)
        OR sittings.referrer_host IS NOT NULL
    WINDOW
        by_turn AS (PARTITION BY sittings.device_id ORDER BY sittings.event_no),
        up_to_turn AS (
            PARTITION BY sittings.device_id
            ORDER BY sittings.event_no
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        )
),

-- Whatever the range of days, a day is computed from its own turns and those of the day before that belong to a
-- sitting that runs over midnight.
over_midnight AS (
    SELECT DISTINCT
        device_id,
        sitting_no,
        dt
    FROM turns
),

turns_for_days AS (
    SELECT
        turns.*,
        dt AS for_dt
    FROM turns
    UNION ALL
    SELECT
        turns.*,
        over_midnight.dt AS for_dt
    FROM turns
    INNER JOIN over_midnight
        ON
            over_midnight.device_id = turns.device_id
            AND over_midnight.sitting_no = turns.sitting_no
            AND over_midnight.dt = turns.dt + 1
),

beside_users AS (
    SELECT
        turns_for_days.*,
        ROW_NUMBER() OVER (PARTITION BY for_dt, device_id, sitting_no ORDER BY turn_no) AS sitting_turn_no,
        ROW_NUMBER() OVER (PARTITION BY for_dt, device_id, dt ORDER BY turn_no) AS day_turn_no,
        LAST_VALUE(user_id IGNORE NULLS) OVER (
            PARTITION BY for_dt, device_id, sitting_no
            ORDER BY turn_no
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS last_user_id
    FROM turns_for_days
),

-- A stretch is a sitting of one user; with new_at_midnight, of one day.
stretches AS (
    SELECT
        beside_users.*,
        COUNT(
            CASE
                WHEN
                    sitting_turn_no = 1
                    OR user_id <> last_user_id
                    OR ($sessions_new_at_midnight AND day_turn_no = 1)
                    THEN 1
            END
        ) OVER (
            PARTITION BY for_dt, device_id
            ORDER BY turn_no
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS stretch_no
    FROM beside_users
),

beside_tags AS (
    SELECT
        stretches.*,
        ROW_NUMBER() OVER by_turn AS stretch_turn_no,
        MIN(dt) OVER before AS stretch_began_dt,
        LAST_VALUE(utm IGNORE NULLS) OVER before AS last_utm,
        LAST_VALUE(click_id IGNORE NULLS) OVER before AS last_click_id,
        COUNT(CASE WHEN COALESCE(click_id, referrer_host) IS NOT NULL OR utm IS NOT NULL THEN 1 END) OVER before
            AS sources_before
    FROM stretches
    WINDOW
        by_turn AS (PARTITION BY for_dt, device_id, stretch_no ORDER BY turn_no),
        before AS (
            PARTITION BY for_dt, device_id, stretch_no
            ORDER BY turn_no
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
),

-- An event with other tags than the last ones begins a session, unless the current session has no source yet and began on
-- the same day: then the tags become its source. The row of a session that began the day before cannot change any more.
sessions AS (
    SELECT
        beside_tags.*,
        COUNT(
            CASE
                WHEN
                    stretch_turn_no = 1
                    OR (
                        $sessions_new_at_campaign
                        AND (
                            (utm IS NOT NULL AND utm IS DISTINCT FROM last_utm)
                            OR (click_id IS NOT NULL AND click_id IS DISTINCT FROM last_click_id)
                        )
                        AND (sources_before > 0 OR stretch_began_dt < dt)
                    )
                    THEN 1
            END
        ) OVER (
            PARTITION BY for_dt, device_id
            ORDER BY turn_no
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS session_no
    FROM beside_tags
),

summed AS (
    SELECT
        device_id,
        for_dt,
        MIN(dt) AS dt,
        MIN(turn_no) AS first_turn_no,
        MIN(turn_no) FILTER (WHERE COALESCE(click_id, referrer_host) IS NOT NULL OR utm IS NOT NULL) AS source_turn_no,
        CAST(SUM(page_views) AS BIGINT) AS page_views,
        MAX(last_event_at) AS last_event_at
    FROM sessions
    GROUP BY device_id, for_dt, session_no
),

pages AS (
    SELECT
        event_id,
        page_type,
        page_url,
        dt
    FROM core.events
    WHERE dt BETWEEN $from_dt AND $to_dt
)

SELECT
    firsts.event_id AS session_id,
    firsts.person_id,
    firsts.device_id,
    firsts.occurred_at AS started_at,
    pages.page_type,
    pages.page_url,
    origins.utm.utm_source AS utm_source,
    origins.utm.utm_medium AS utm_medium,
    origins.utm.utm_campaign AS utm_campaign,
    origins.click_id,
    origins.referrer_host,
    summed.page_views,
    summed.last_event_at,
    summed.dt
FROM summed
INNER JOIN turns AS firsts ON firsts.device_id = summed.device_id AND firsts.turn_no = summed.first_turn_no
INNER JOIN pages ON pages.event_id = firsts.event_id AND pages.dt = firsts.dt
LEFT JOIN turns AS origins ON origins.device_id = summed.device_id AND origins.turn_no = summed.source_turn_no
WHERE
    summed.dt = summed.for_dt
    AND summed.dt BETWEEN $from_dt AND $to_dt
