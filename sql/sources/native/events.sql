-- Native tracking events, one row a record. The server's clock is received_time there, received_at in the lake.
SELECT
  event_id,
  device_id,
  user_id,
  event_type,
  page_id,
  page_type,
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
  platform,
  app_version,
  batch_id,
  record_no
FROM events
