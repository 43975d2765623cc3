/* model
description: >
  Page of each event that was logged without PageId or without page type, from the page's address. Derived PageIds: the
  events of a device's day are numbered in order of time, and a page has the number of its first event. An event at the
  same address with the same referrer as an earlier one of the sitting is on the same page, so a return takes the
  number of the page to which it returns. 30 minutes without an event end a sitting. The day, as days since 1970, is in
  the digits before the last nine, so PageIds grow from day to day.
grain: [event_id]
partition: dt
detail: true
columns:
  event_id: {type: VARCHAR, description: key of the event}
  page_id: {type: BIGINT, description: derived PageId; null = the event was logged with a PageId}
  page_type: {type: VARCHAR, description: "page_type of the first row of config/page_types.csv that matches the path of page_url, else other; null = the event was logged with a page type"}
  dt: {type: DATE, description: business day of the event}
*/
WITH superseded AS (
    SELECT
        event_id,
        batch_id
    FROM raw.superseded_events
    WHERE dt BETWEEN $from_dt AND $to_dt
),

incomplete AS (
    SELECT
        raw_events.event_id,
        raw_events.device_id,
        raw_events.page_id AS sent_page_id,
        raw_events.page_type AS sent_page_type,
        raw_events.page_url,
        raw_events.referrer,
        raw_events.device_time,
        raw_events.event_rank,
        raw_events.dt
    FROM raw.events AS raw_events
    ANTI JOIN superseded USING (event_id, batch_id)
    WHERE
        raw_events.dt BETWEEN $from_dt AND $to_dt
        AND raw_events.page_url IS NOT NULL
        AND (raw_events.page_id IS NULL OR raw_events.page_type IS NULL)
        AND raw_events.event_type IN ('page_view', 'exposure', 'click', 'add_to_cart')
        AND NOT COALESCE(raw_events.is_bot, FALSE)
),

numbered AS (
    SELECT
        event_id,
        device_id,
        page_url,
        referrer,
        device_time,
        event_rank,
        dt,
        ROW_NUMBER() OVER (PARTITION BY device_id, dt ORDER BY device_time, event_rank, event_id) AS event_no,
        LAG(device_time) OVER (
            PARTITION BY device_id, dt
            ORDER BY device_time, event_rank, event_id
        ) AS device_time_before
    FROM incomplete
    WHERE sent_page_id IS NULL
),

sittings AS (
    SELECT
        event_id,
        device_id,
        page_url,
        referrer,
        dt,
        event_no,
        COUNT(CASE WHEN device_time > device_time_before + INTERVAL 30 MINUTE THEN 1 END) OVER (
            PARTITION BY device_id, dt
            ORDER BY event_no
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS sitting_no
    FROM numbered
),

derived AS (
    SELECT
        event_id,
        dt,
        DATE_DIFF('day', DATE '1970-01-01', dt) * 1000000000
        + MIN(event_no) OVER (PARTITION BY device_id, dt, sitting_no, page_url, referrer) AS page_id
    FROM sittings
),

paths AS (
    SELECT DISTINCT
        page_url,
        LOWER(REGEXP_EXTRACT(page_url, '^([A-Za-z][A-Za-z0-9+.-]*:)?(//[^/?#]*)?([^?#]*)', 3)) AS path
    FROM incomplete
    WHERE sent_page_type IS NULL
),

addresses AS (
    SELECT
        page_url,
        CASE WHEN path = '' THEN '/' ELSE path END AS path
    FROM paths
),

matches AS (
    SELECT
        addresses.page_url,
        page_types.page_type,
        ROW_NUMBER() OVER (PARTITION BY addresses.page_url ORDER BY page_types.rule_no) AS match_no
    FROM addresses
    INNER JOIN config.page_types AS page_types
        ON
            CASE
                WHEN page_types.is_open_before AND page_types.is_open_after THEN CONTAINS(addresses.path, page_types.path)
                WHEN page_types.is_open_before THEN ENDS_WITH(addresses.path, page_types.path)
                WHEN page_types.is_open_after THEN STARTS_WITH(addresses.path, page_types.path)
                ELSE addresses.path = page_types.path
            END
),

page_types AS (
    SELECT
        page_url,
        page_type
    FROM matches
    WHERE match_no = 1
)

SELECT
    incomplete.event_id,
    derived.page_id,
    CASE WHEN incomplete.sent_page_type IS NULL THEN COALESCE(page_types.page_type, 'other') END AS page_type,
    incomplete.dt
FROM incomplete
LEFT JOIN derived USING (event_id, dt)
LEFT JOIN page_types USING (page_url)
