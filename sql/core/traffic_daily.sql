/* model
description: >
  Visitors and the quality of the log on each day: how many persons came, and how many events lack what attribution
  needs: a PageId, PageIds that grow, correct clocks and timely delivery.
grain: [dt]
partition: dt
columns:
  dt: {type: DATE, description: business day}
  events: {type: BIGINT, description: events}
  page_views: {type: BIGINT, description: page_view events}
  visitors: {type: BIGINT, description: distinct persons with an event}
  devices: {type: BIGINT, description: distinct devices}
  bot_events: {type: BIGINT, description: "accepted events of bots; they are in no other column"}
  events_without_page_id: {type: BIGINT, description: events without a PageId}
  events_with_derived_page_id: {type: BIGINT, description: events whose PageId was derived from the addresses of pages}
  pages_opened: {type: BIGINT, description: distinct pairs of device and PageId}
  page_id_drops: {type: BIGINT, description: pages whose PageId is smaller than the PageId of the page opened just before on the device that day}
  page_id_resets: {type: BIGINT, description: "drops after which no later page of the device that day reaches the earlier maximum again: the SDK restarted its count"}
  skewed_events: {type: BIGINT, description: events whose device clock was wrong by more than five minutes}
  late_events: {type: BIGINT, description: events received more than an hour after they occurred}
  page_id_missing_rate: {type: DOUBLE, description: events_without_page_id / events}
  page_id_drop_rate: {type: DOUBLE, description: page_id_drops / pages_opened}
  skewed_rate: {type: DOUBLE, description: skewed_events / events}
  late_rate: {type: DOUBLE, description: late_events / events}
*/
WITH superseded AS (
    SELECT
        event_id,
        batch_id
    FROM raw.superseded_events
    WHERE dt BETWEEN $from_dt AND $to_dt
),

bots AS (
    SELECT
        raw_events.dt,
        COUNT(*) AS bot_events
    FROM raw.events AS raw_events
    ANTI JOIN superseded USING (event_id, batch_id)
    WHERE
        raw_events.dt BETWEEN $from_dt AND $to_dt
        AND raw_events.is_bot
    GROUP BY raw_events.dt
),

events AS (
    SELECT
        dt,
        COUNT(*) AS events,
        COUNT(*) FILTER (WHERE event_type = 'page_view') AS page_views,
        COUNT(DISTINCT person_id) AS visitors,
        COUNT(DISTINCT device_id) AS devices,
        COUNT(*) FILTER (WHERE page_id IS NULL) AS events_without_page_id,
        COUNT(*) FILTER (WHERE page_id_origin = 'derived') AS events_with_derived_page_id,
        COUNT(*) FILTER (
            WHERE
            occurred_at > device_time + INTERVAL 5 MINUTE
            OR occurred_at < device_time - INTERVAL 5 MINUTE
        ) AS skewed_events,
        COUNT(*) FILTER (WHERE received_at > occurred_at + INTERVAL 1 HOUR) AS late_events
    FROM core.events
    WHERE dt BETWEEN $from_dt AND $to_dt
    GROUP BY dt
),

opened AS (
    SELECT
        dt,
        device_id,
        page_id,
        MIN(device_time) AS opened_at
    FROM core.events
    WHERE
        dt BETWEEN $from_dt AND $to_dt
        AND page_id IS NOT NULL
    GROUP BY dt, device_id, page_id
),

ordered AS (
    SELECT
        dt,
        page_id,
        LAG(page_id) OVER (PARTITION BY dt, device_id ORDER BY opened_at, page_id) AS page_id_before,
        MAX(page_id) OVER (
            PARTITION BY dt, device_id
            ORDER BY opened_at, page_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS largest_so_far,
        MAX(page_id) OVER (
            PARTITION BY dt, device_id
            ORDER BY opened_at, page_id
            ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
        ) AS largest_from_here
    FROM opened
),

pages AS (
    SELECT
        dt,
        COUNT(*) AS pages_opened,
        COUNT(*) FILTER (WHERE page_id < page_id_before) AS page_id_drops,
        COUNT(*) FILTER (WHERE page_id < page_id_before AND largest_from_here < largest_so_far) AS page_id_resets
    FROM ordered
    GROUP BY dt
)

SELECT
    events.*,
    COALESCE(bots.bot_events, 0) AS bot_events,
    COALESCE(pages.pages_opened, 0) AS pages_opened,
    COALESCE(pages.page_id_drops, 0) AS page_id_drops,
    COALESCE(pages.page_id_resets, 0) AS page_id_resets,
    CAST(events.events_without_page_id AS DOUBLE) / NULLIF(events.events, 0) AS page_id_missing_rate,
    CAST(pages.page_id_drops AS DOUBLE) / NULLIF(pages.pages_opened, 0) AS page_id_drop_rate,
    CAST(events.skewed_events AS DOUBLE) / NULLIF(events.events, 0) AS skewed_rate,
    CAST(events.late_events AS DOUBLE) / NULLIF(events.events, 0) AS late_rate
FROM events
LEFT JOIN pages USING (dt)
LEFT JOIN bots USING (dt)
