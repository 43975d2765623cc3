/* check
model: core.spend
severity: warn
description: Every channel with spend is a channel of config/channels.yaml, so that its spend can be compared with its sales.
remedy: Correct the channel where the spend comes from, or add it to config/channels.yaml with a rule.
*/
SELECT
    spend.dt,
    spend.channel,
    COUNT(*) AS records
FROM core.spend AS spend
LEFT JOIN config.channels AS channels ON channels.channel = spend.channel
WHERE
    spend.dt BETWEEN $from_dt AND $to_dt
    AND channels.channel IS NULL
GROUP BY spend.dt, spend.channel
