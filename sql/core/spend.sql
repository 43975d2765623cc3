/* model
description: >
  Cost of advertising by day, channel and campaign, at the exchange rate of the day. If a key has several versions, the
  newest counts. Days without spend have no rows.
grain: [dt, channel, campaign]
partition: dt
reads: {raw.spend: all}
columns:
  channel: {type: VARCHAR, description: "channel as landed, without blanks around it and in lower case; compare with channel of core.sessions"}
  campaign: {type: VARCHAR, description: "campaign as landed, without blanks around it; '(not set)' if none is given"}
  cost: {type: "DECIMAL(18,4)", description: "reporting currency; null = no exchange rate is known for the day"}
  impressions: {type: BIGINT, description: "times that the ads were shown; null = unknown"}
  clicks: {type: BIGINT, description: "clicks as the advertising platform counts them; null = unknown"}
  dt: {type: DATE, description: business day on which it was spent}
*/
WITH spelled AS (
    SELECT
        spent_on,
        LOWER(TRIM(channel)) AS channel,
        TRIM(campaign) AS campaign,
        cost,
        COALESCE(currency, $currency) AS currency,
        impressions,
        clicks,
        updated_at,
        record_hash
    FROM raw.spend
    WHERE spent_on BETWEEN $from_dt AND $to_dt
),

versions AS (
    SELECT
        spelled.*,
        ROW_NUMBER() OVER (
            PARTITION BY spent_on, channel, campaign
            ORDER BY updated_at DESC NULLS LAST, record_hash DESC
        ) AS version_no
    FROM spelled
),

spend AS (
    SELECT
        versions.channel,
        versions.campaign,
        TRY_CAST(
            versions.cost
            * CASE WHEN versions.currency = $currency THEN CAST(1 AS DECIMAL(20, 8)) ELSE fx.rate END
            AS DECIMAL(18, 4)
        ) AS cost,
        versions.impressions,
        versions.clicks,
        versions.spent_on AS dt
    FROM versions
    LEFT JOIN config.fx
        ON
            fx.day = versions.spent_on
            AND fx.currency = versions.currency
    WHERE versions.version_no = 1
)

SELECT * FROM spend
