/* model
description: >
  Exposures and clicks on the slots of entrances, with or without a product, counted for each person and day.
  attribution.slot_daily sums them up.
grain: [dt, person_id, entrance_id, head_page_type, head_module, head_slot, head_content_id]
partition: dt
detail: true
columns:
  dt: {type: DATE, description: business day of the events}
  person_id: {type: VARCHAR, description: as in core.events}
  entrance_id: {type: VARCHAR, description: entrance of the slot}
  head_page_type: {type: VARCHAR, description: "page of the slot; '(none)' if the events name none"}
  head_module: {type: VARCHAR, description: "module of the slot; '(none)' if there is none"}
  head_slot: {type: INTEGER, description: "position in the module, from 1; 0 if there is none"}
  head_content_id: {type: VARCHAR, description: "content that the slot showed; '(none)' if the events name none"}
  impressions: {type: BIGINT, description: exposure events on the slot}
  clicks: {type: BIGINT, description: click events on the slot}
*/
SELECT
    dt,
    person_id,
    entrance_id,
    COALESCE(page_type, '(none)') AS head_page_type,
    COALESCE(module, '(none)') AS head_module,
    COALESCE(slot, 0) AS head_slot,
    COALESCE(content_id, '(none)') AS head_content_id,
    COUNT(*) FILTER (WHERE event_type = 'exposure') AS impressions,
    COUNT(*) FILTER (WHERE event_type = 'click') AS clicks
FROM core.events
WHERE
    dt BETWEEN $from_dt AND $to_dt
    AND entrance_id IS NOT NULL
    AND event_type IN ('exposure', 'click')
GROUP BY ALL
