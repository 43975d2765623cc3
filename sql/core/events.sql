/* model
description: >
  Events in canonical form: one row for each event_id, whatever the day, with the person who caused the event and the
  entrance on which it occurred, if any.
grain: [event_id]
partition: dt
detail: true
sorted_by: [device_id, device_time, page_id, event_rank, event_id]
columns:
  event_id: {type: VARCHAR, description: key of the event}
  device_id: {type: VARCHAR, description: device (or browser) that sent it}
  user_id: {type: VARCHAR, description: logged-in user as sent; null before login}
  person_id: {type: VARCHAR, description: "user_id; if it is null, the next user_id that the device sent on that day, otherwise the last one before, otherwise 'device:<device_id>'"}
  event_type: {type: VARCHAR, description: "page_view, exposure, click or add_to_cart; other types are kept but not used for attribution"}
  page_id: {type: BIGINT, description: "PageId of the device's page stack: a newer page has a larger number, and going back to a page reuses its number"}
  page_id_origin: {type: VARCHAR, description: "tracker: page_id was in the log; derived: it is from core.event_pages; null = no page_id"}
  page_type: {type: VARCHAR, description: "kind of page, e.g. home, campaign, list, detail; if the log has none, by config/page_types.csv from page_url"}
  page_url: {type: VARCHAR, description: address of the page as sent; null = none sent}
  module: {type: VARCHAR, description: module on the page; null = none sent}
  slot: {type: INTEGER, description: "position in the module, from 1; null = none sent"}
  sku: {type: VARCHAR, description: product or variant shown; null for a banner}
  product_id: {type: VARCHAR, description: "the product that sku is a variant of, else sku itself"}
  content_id: {type: VARCHAR, description: "creative, campaign or version that the slot showed"}
  entrance_id: {type: VARCHAR, description: entrance at whose position the event occurred; null = at no entrance}
  device_time: {type: TIMESTAMP, description: "time by the device's own clock, UTC; orders the events of a device"}
  event_rank: {type: INTEGER, description: "order of events with equal page_id and device_time: page_view 0, exposure 1, click 2, add_to_cart 3, others 4"}
  occurred_at: {type: TIMESTAMP, description: "time of the event, UTC: device_time, corrected by received_at − sent_time if these differ by more than clock_tolerance_seconds"}
  received_at: {type: TIMESTAMP, description: "time of receipt by the server's clock, UTC"}
  referrer: {type: VARCHAR, description: URL of the referring page}
  utm_source: {type: VARCHAR, description: as sent; null = none}
  utm_medium: {type: VARCHAR, description: as sent; null = none}
  utm_campaign: {type: VARCHAR, description: as sent; null = none}
  click_id: {type: VARCHAR, description: "name of an advertising platform's parameter, e.g. gclid, as sent; null = none sent"}
  platform: {type: VARCHAR, description: "e.g. ios, android, web"}
  app_version: {type: VARCHAR, description: version of the app}
  dt: {type: DATE, description: business day of occurred_at}
*/
WITH superseded AS (
    SELECT
        event_id,
        batch_id
    FROM raw.superseded_events
    WHERE dt BETWEEN $from_dt AND $to_dt
),

pages AS (
    SELECT
        event_id,
        page_id,
        page_type,
        dt
    FROM core.event_pages
    WHERE dt BETWEEN $from_dt AND $to_dt
),

landed AS (
    SELECT
        raw_events.event_id,
        raw_events.device_id,
        raw_events.user_id,
        raw_events.event_type,
        COALESCE(raw_events.page_id, pages.page_id) AS page_id,
        CASE
            WHEN raw_events.page_id IS NOT NULL THEN 'tracker'
            WHEN pages.page_id IS NOT NULL THEN 'derived'
        END AS page_id_origin,
        COALESCE(raw_events.page_type, pages.page_type) AS page_type,
        raw_events.page_url,
        raw_events.module,
        raw_events.slot,
        raw_events.sku,
        raw_events.content_id,
        raw_events.device_time,
        raw_events.event_rank,
        raw_events.occurred_at,
        raw_events.received_at,
        raw_events.referrer,
        raw_events.utm_source,
        raw_events.utm_medium,
        raw_events.utm_campaign,
        raw_events.click_id,
        raw_events.platform,
        raw_events.app_version,
        raw_events.dt
    FROM raw.events AS raw_events
    ANTI JOIN superseded USING (event_id, batch_id)
    LEFT JOIN pages USING (event_id, dt)
    WHERE
        raw_events.dt BETWEEN $from_dt AND $to_dt
        AND NOT COALESCE(raw_events.is_bot, FALSE)
),

-- Most devices have only one user on a day; all events of the device on that day then belong to this user.
device_users AS (
    SELECT
        raw_events.device_id,
        raw_events.dt,
        MIN(raw_events.user_id) AS user_id,
        MIN(raw_events.user_id) <> MAX(raw_events.user_id) AS is_shared
    FROM raw.events AS raw_events
    ANTI JOIN superseded USING (event_id, batch_id)
    WHERE
        raw_events.dt BETWEEN $from_dt AND $to_dt
        AND raw_events.user_id IS NOT NULL
        AND NOT COALESCE(raw_events.is_bot, FALSE)
    GROUP BY raw_events.device_id, raw_events.dt
),

shared_devices AS (
    SELECT
        device_id,
        dt
    FROM device_users
    WHERE is_shared
),

-- On a device with several users on a day, an event belongs to the next user_id sent at or after it, otherwise to the
-- last one sent before it.
shared_events AS (
    SELECT
        raw_events.event_id,
        raw_events.dt,
        COALESCE(
            FIRST_VALUE(raw_events.user_id IGNORE NULLS) OVER (
                PARTITION BY raw_events.device_id, raw_events.dt
                ORDER BY raw_events.device_time, raw_events.page_id, raw_events.event_rank, raw_events.event_id
                ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
            ),
            LAST_VALUE(raw_events.user_id IGNORE NULLS) OVER (
                PARTITION BY raw_events.device_id, raw_events.dt
                ORDER BY raw_events.device_time, raw_events.page_id, raw_events.event_rank, raw_events.event_id
                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
            )
        ) AS user_id
    FROM raw.events AS raw_events
    ANTI JOIN superseded USING (event_id, batch_id)
    SEMI JOIN shared_devices USING (device_id, dt)
    WHERE
        raw_events.dt BETWEEN $from_dt AND $to_dt
        AND NOT COALESCE(raw_events.is_bot, FALSE)
),

-- Only skus that are variants have a row here; the product_id of any other sku is the sku itself.
variants AS (
    SELECT
        dt,
        sku,
        product_id
    FROM core.event_variants
    WHERE dt BETWEEN $from_dt AND $to_dt
),

positions AS (
    SELECT
        entrance_id,
        page_type,
        module,
        slot,
        COALESCE(valid_from, DATE '0001-01-01') AS valid_from,
        COALESCE(valid_to, DATE '9999-12-31') AS valid_to
    FROM core.entrances
)

SELECT
    events.*,
    COALESCE(shared_events.user_id, device_users.user_id, 'device:' || events.device_id) AS person_id,
    COALESCE(variants.product_id, events.sku) AS product_id,
    COALESCE(slots.entrance_id, modules.entrance_id) AS entrance_id
FROM landed AS events
LEFT JOIN device_users USING (device_id, dt)
LEFT JOIN shared_events USING (event_id, dt)
LEFT JOIN variants USING (sku, dt)
LEFT JOIN positions AS slots
    ON
        slots.page_type = events.page_type
        AND slots.module = events.module
        AND slots.slot = events.slot
        AND events.dt BETWEEN slots.valid_from AND slots.valid_to
LEFT JOIN positions AS modules
    ON
        modules.page_type = events.page_type
        AND modules.module = events.module
        AND modules.slot IS NULL
        AND events.dt BETWEEN modules.valid_from AND modules.valid_to
