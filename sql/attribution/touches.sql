/* model
description: >
  Every touch of a person. A touch is a head: a click on an entrance. The five touch models distribute each sale over
  touches.
grain: [touch_event_id, touchpoint_type]
partition: dt
columns:
  person_id: {type: VARCHAR, description: as in core.events}
  touch_event_id: {type: VARCHAR, description: event_id of the head}
  touchpoint_type: {type: VARCHAR, description: always entrance}
  touchpoint: {type: VARCHAR, description: entrance_id}
  campaign: {type: VARCHAR, description: utm_campaign of the head; null = none}
  occurred_at: {type: TIMESTAMP, description: "time of the touch, UTC"}
  dt: {type: DATE, description: business day of the touch}
*/
SELECT
    person_id,
    event_id AS touch_event_id,
    'entrance' AS touchpoint_type,
    entrance_id AS touchpoint,
    utm_campaign AS campaign,
    occurred_at,
    dt
FROM core.events
WHERE
    dt BETWEEN $from_dt AND $to_dt
    AND event_type = 'click'
    AND entrance_id IS NOT NULL
