/* check
model: core.spend
severity: warn
description: All spend in another currency has an exchange rate for the day on which it was spent, and its converted cost fits DECIMAL(18,4).
remedy: Add the currency's rate of that day to config/fx.csv, then run again.
reads: {raw.spend: all}
*/
WITH unknown AS (
    SELECT
        dt,
        channel,
        campaign
    FROM core.spend
    WHERE
        dt BETWEEN $from_dt AND $to_dt
        AND cost IS NULL
),

versions AS (
    SELECT
        spent_on,
        LOWER(TRIM(channel)) AS channel,
        TRIM(campaign) AS campaign,
        currency,
        ROW_NUMBER() OVER (
            PARTITION BY spent_on, LOWER(TRIM(channel)), TRIM(campaign)
            ORDER BY updated_at DESC NULLS LAST, record_hash DESC
        ) AS version_no
    FROM raw.spend
)

SELECT
    unknown.dt,
    versions.currency,
    COUNT(*) AS spend_rows
FROM unknown
INNER JOIN versions
    ON
        versions.spent_on = unknown.dt
        AND versions.channel = unknown.channel
        AND versions.campaign = unknown.campaign
WHERE versions.version_no = 1
GROUP BY unknown.dt, versions.currency
