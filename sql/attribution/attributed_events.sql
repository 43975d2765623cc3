/* model
description: >
  Every end (a product exposure, product click or add-to-cart) with the entrance it is credited to: its own if it is on
  one, else that of the nearest head at or before it on its device, else (direct).
grain: [event_id]
partition: dt
reads: {core.events: ceil(head_lookback_hours / 24) + 1}
columns:
  event_id: {type: VARCHAR, description: the end}
  end_type: {type: VARCHAR, description: "exposure, click or add_to_cart"}
  occurred_at: {type: TIMESTAMP, description: "when, UTC"}
  device_id: {type: VARCHAR, description: device}
  person_id: {type: VARCHAR, description: person}
  page_id: {type: BIGINT, description: PageId}
  page_type: {type: VARCHAR, description: kind of page}
  module: {type: VARCHAR, description: module on the page}
  slot: {type: INTEGER, description: position in the module}
  sku: {type: VARCHAR, description: product or variant}
  product_id: {type: VARCHAR, description: "the product that sku is a variant of, else sku itself"}
  content_id: {type: VARCHAR, description: what the slot showed}
  rule: {type: VARCHAR, description: "why this entrance: own, head or none"}
  entrance_id: {type: VARCHAR, description: "entrance credited; '(direct)' without one"}
  head_event_id: {type: VARCHAR, description: "the head; an own click is its own head; null for other own and for none"}
  head_page_type: {type: VARCHAR, description: "page of the head; own: the end's page; none: '(none)'"}
  head_module: {type: VARCHAR, description: "module of the head likewise; '(none)' if missing"}
  head_slot: {type: INTEGER, description: slot of the head likewise; 0 if missing}
  head_content_id: {type: VARCHAR, description: "content of the head likewise; '(none)' if missing"}
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

-- The ends that need a head, with what places them on their device. Read from core.events, not from ends: a CTE read
-- twice is kept whole, and ends is nearly as wide and as long as the day.
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

-- An end sees the heads of its own day and of the days before it. So each head stands in the timeline of every
-- day that may see it, and a day's result never depends on a later day.
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
        head_event_id IS NOT NULL AS is_head,
        LAST_VALUE(head_event_id IGNORE NULLS) OVER (
            PARTITION BY device_id, dt
            ORDER BY device_time, page_id, event_rank, event_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS head_event_id
    FROM timeline
),

ends_with_head AS (
    SELECT
        event_id,
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
LEFT JOIN ends_with_head ON ends_with_head.event_id = ends.event_id
LEFT JOIN heads
    ON
        heads.event_id = ends_with_head.head_event_id
        AND heads.device_time >= ends.device_time - $head_lookback_hours * INTERVAL '1' HOUR
