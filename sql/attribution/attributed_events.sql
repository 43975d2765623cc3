/* model
description: >
  Every end (a product exposure, product click or add-to-cart) with the entrance that gets its credit. An end on an
  entrance credits that entrance. Any other end credits the entrance of the nearest head (a click on an entrance)
  before it on the same device, or '(direct)' if there is none.
grain: [event_id]
partition: dt
detail: true
reads: {core.events: ceil(head_lookback_hours / 24) + 1}
columns:
  event_id: {type: VARCHAR, description: event_id of the end}
  end_type: {type: VARCHAR, description: "exposure, click or add_to_cart"}
  occurred_at: {type: TIMESTAMP, description: "time of the end, UTC"}
  device_id: {type: VARCHAR, description: device or browser that sent the event}
  person_id: {type: VARCHAR, description: as in core.events}
  page_id: {type: BIGINT, description: "PageId, as in core.events"}
  page_type: {type: VARCHAR, description: kind of page}
  module: {type: VARCHAR, description: module on the page}
  slot: {type: INTEGER, description: "position in the module, from 1"}
  sku: {type: VARCHAR, description: product or variant}
  product_id: {type: VARCHAR, description: "the product that sku is a variant of, else sku itself"}
  content_id: {type: VARCHAR, description: "creative, campaign or version that the slot showed"}
  rule: {type: VARCHAR, description: "how the entrance was found: own (the end is on it), head (by the nearest head) or none"}
  entrance_id: {type: VARCHAR, description: "entrance that gets the credit; '(direct)' if none was found"}
  head_event_id: {type: VARCHAR, description: "event_id of the head; a click on an entrance is its own head; null for rule none, and for rule own if the end is not a click"}
  head_page_type: {type: VARCHAR, description: "page of the head; for rule own the page of the end, for rule none '(none)'"}
  head_module: {type: VARCHAR, description: "module of the head, or of the end for rule own; '(none)' if there is none"}
  head_slot: {type: INTEGER, description: "slot of the head, or of the end for rule own; 0 if there is none"}
  head_content_id: {type: VARCHAR, description: "content of the head, or of the end for rule own; '(none)' if there is none"}
  dt: {type: DATE, description: business day of the end}
*/
WITH ends AS (
    SELECT
        event_id,
        event_type AS end_type,
        device_time,
        occurred_at,
        device_id,
        person_id,
        page_id,
        page_type,
        module,
        slot,
        sku,
        product_id,
        content_id,
        entrance_id,
        dt
    FROM core.events
    WHERE
        dt BETWEEN $from_dt AND $to_dt
        AND sku IS NOT NULL
        AND (
            event_type IN ('exposure', 'add_to_cart')
            OR (event_type = 'click' AND NOT COALESCE(module IN ($action_modules), FALSE))
        )
),

-- The ends that need a head, with the columns that sort them among the device's events. They are read from core.events
-- again, because a CTE that is read twice is materialized, and ends has nearly all rows and columns of the day.
ends_off_entrances AS (
    SELECT
        event_id,
        device_id,
        device_time,
        page_id,
        event_rank,
        dt
    FROM core.events
    WHERE
        dt BETWEEN $from_dt AND $to_dt
        AND sku IS NOT NULL
        AND entrance_id IS NULL
        AND (
            event_type IN ('exposure', 'add_to_cart')
            OR (event_type = 'click' AND NOT COALESCE(module IN ($action_modules), FALSE))
        )
),

heads AS (
    SELECT
        event_id,
        device_id,
        device_time,
        page_id,
        event_rank,
        entrance_id,
        page_type,
        module,
        slot,
        content_id,
        dt
    FROM core.events
    WHERE
        dt BETWEEN $from_dt - (CEIL($head_lookback_hours / 24) + 1) AND $to_dt
        AND event_type = 'click'
        AND entrance_id IS NOT NULL
),

-- A path's head (its entrance visit) may be on an earlier day than the path's end. So each head is copied to every day on
-- which a path that it begins may end, and the result of a day never depends on a later day.
heads_seen AS (
    SELECT
        heads.* EXCLUDE (dt),
        CAST(heads.dt + days_ahead.n * INTERVAL '1' DAY AS DATE) AS dt
    FROM heads
    CROSS JOIN UNNEST(GENERATE_SERIES(0, CEIL($head_lookback_hours / 24) + 1, 1)) AS days_ahead(n)
),

timeline AS (
    SELECT
        event_id,
        device_id,
        device_time,
        page_id,
        event_rank,
        dt,
        event_id AS head_event_id
    FROM heads_seen
    WHERE dt BETWEEN $from_dt AND $to_dt
    UNION ALL
    SELECT
        event_id,
        device_id,
        device_time,
        page_id,
        event_rank,
        dt,
        CAST(NULL AS VARCHAR) AS head_event_id
    FROM ends_off_entrances
),

nearest_heads AS (
    SELECT
        event_id,
        device_id,
        head_event_id IS NOT NULL AS is_head,
        LAST_VALUE(head_event_id IGNORE NULLS) OVER (
            PARTITION BY device_id, dt
            ORDER BY device_time, page_id, event_rank, event_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS head_event_id
    FROM timeline
),

-- All joins are on the device too, so that large days can be computed in ranges of device_id.
ends_with_head AS (
    SELECT
        event_id,
        device_id,
        head_event_id
    FROM nearest_heads
    WHERE
        NOT is_head
        AND head_event_id IS NOT NULL
)

SELECT
    ends.* EXCLUDE (device_time, entrance_id),
    CASE
        WHEN ends.entrance_id IS NOT NULL THEN 'own'
        WHEN heads.event_id IS NOT NULL THEN 'head'
        ELSE 'none'
    END AS rule,
    COALESCE(ends.entrance_id, heads.entrance_id, '(direct)') AS entrance_id,
    CASE WHEN ends.entrance_id IS NOT NULL AND ends.end_type = 'click' THEN ends.event_id ELSE heads.event_id END
        AS head_event_id,
    COALESCE(CASE WHEN ends.entrance_id IS NULL THEN heads.page_type ELSE ends.page_type END, '(none)') AS head_page_type,
    COALESCE(CASE WHEN ends.entrance_id IS NULL THEN heads.module ELSE ends.module END, '(none)') AS head_module,
    COALESCE(CASE WHEN ends.entrance_id IS NULL THEN heads.slot ELSE ends.slot END, 0) AS head_slot,
    COALESCE(CASE WHEN ends.entrance_id IS NULL THEN heads.content_id ELSE ends.content_id END, '(none)')
        AS head_content_id
FROM ends
LEFT JOIN ends_with_head
    ON
        ends_with_head.event_id = ends.event_id
        AND ends_with_head.device_id = ends.device_id
LEFT JOIN heads
    ON
        heads.event_id = ends_with_head.head_event_id
        AND heads.device_id = ends.device_id
        AND heads.device_time >= ends.device_time - $head_lookback_hours * INTERVAL '1' HOUR
