/* model
description: >
  Every touch of a person, of four types of touchpoint. entrance and slot: a head, that is a click on an entrance, seen as
  its entrance or as its position. channel and campaign: a session, seen as its channel or, if it has one, its campaign.
  A model distributes a sale over the touches of one type; the types are never added.
grain: [touch_event_id, touchpoint_type]
partition: dt
detail: true
columns:
  person_id: {type: VARCHAR, description: as in core.events}
  touch_event_id: {type: VARCHAR, description: "event_id of the head; of a session its session_id, the event_id of its first event"}
  touchpoint_type: {type: VARCHAR, description: "entrance, slot, channel or campaign"}
  touchpoint: {type: VARCHAR, description: "entrance: entrance_id; slot: page_type.module.slot, without .slot if none was sent; channel: key of config/channels.yaml; campaign: utm_campaign. '>' in it loses the blanks beside it, because ' > ' separates the touchpoints of a path"}
  campaign: {type: VARCHAR, description: utm_campaign of the head or of the session; null = none}
  occurred_at: {type: TIMESTAMP, description: "time of the head, or the start of the session, UTC"}
  dt: {type: DATE, description: business day of occurred_at}
*/
WITH heads AS (
    SELECT
        person_id,
        event_id,
        entrance_id,
        REGEXP_REPLACE(
            page_type || '.' || module || COALESCE('.' || CAST(slot AS VARCHAR), ''), ' *> *', '>', 'g'
        ) AS position,
        utm_campaign,
        occurred_at,
        dt
    FROM core.events
    WHERE
        dt BETWEEN $from_dt AND $to_dt
        AND event_type = 'click'
        AND entrance_id IS NOT NULL
),

sessions AS (
    SELECT
        person_id,
        session_id,
        channel,
        campaign,
        started_at,
        dt
    FROM core.sessions
    WHERE dt BETWEEN $from_dt AND $to_dt
)

SELECT
    person_id,
    event_id AS touch_event_id,
    'entrance' AS touchpoint_type,
    entrance_id AS touchpoint,
    utm_campaign AS campaign,
    occurred_at,
    dt
FROM heads
UNION ALL
SELECT
    person_id,
    event_id AS touch_event_id,
    'slot' AS touchpoint_type,
    position AS touchpoint,
    utm_campaign AS campaign,
    occurred_at,
    dt
FROM heads
UNION ALL
SELECT
    person_id,
    session_id AS touch_event_id,
    'channel' AS touchpoint_type,
    channel AS touchpoint,
    campaign,
    started_at AS occurred_at,
    dt
FROM sessions
UNION ALL
SELECT
    person_id,
    session_id AS touch_event_id,
    'campaign' AS touchpoint_type,
    REGEXP_REPLACE(campaign, ' *> *', '>', 'g') AS touchpoint,
    campaign,
    started_at AS occurred_at,
    dt
FROM sessions
WHERE campaign IS NOT NULL
