-- Native spend on advertising, one row for each record; the newest version of a day's channel and campaign counts.
SELECT
  dt AS spent_on,
  channel,
  campaign,
  cost,
  currency,
  impressions,
  clicks,
  updated_at,
  batch_id,
  record_no
FROM spend
