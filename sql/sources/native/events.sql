-- Native tracking events, one row for each record. The time by the server's clock is received_time in the files and
-- received_at in the lake.
SELECT
  event_id,
  device_id,
  user_id,
  event_type,
  page_id,
  page_type,
  page_url,
  module,
  slot,
  sku,
  content_id,
  device_time,
  sent_time,
  received_time AS received_at,
  referrer,
  utm_source,
  utm_medium,
  utm_campaign,
  click_id,
  platform,
  app_version,
  is_bot,
  batch_id,
  record_no
FROM events
