/* model
description: >
  Sessions with their source and channel. The source is decided once for each distinct combination of tags, click id and
  referrer: by the tags, else by the click id, else by the referrer's site in config/traffic_sites.csv. The first rule of
  config/channels.yaml that matches the source decides the channel.
grain: [session_id]
partition: dt
detail: true
sorted_by: [person_id, started_at]
columns:
  session_id: {type: VARCHAR, description: event_id of the first event}
  person_id: {type: VARCHAR, description: as in core.session_starts}
  device_id: {type: VARCHAR, description: device that sent all events}
  started_at: {type: TIMESTAMP, description: "time of the first event, UTC"}
  page_type: {type: VARCHAR, description: page type of the first event}
  page_url: {type: VARCHAR, description: address of the page of the first event; null = none sent}
  utm_source: {type: VARCHAR, description: as in core.session_starts}
  utm_medium: {type: VARCHAR, description: as in core.session_starts}
  utm_campaign: {type: VARCHAR, description: as in core.session_starts}
  click_id: {type: VARCHAR, description: as in core.session_starts}
  referrer_host: {type: VARCHAR, description: as in core.session_starts}
  page_views: {type: BIGINT, description: page_view events on the day of the start}
  last_event_at: {type: TIMESTAMP, description: "time of the last event on the day of the start, UTC"}
  source: {type: VARCHAR, description: "in lower case: utm_source, else the click id's source, else that of the referrer's site, else its host; null = none"}
  medium: {type: VARCHAR, description: "in lower case: utm_medium, else the click id's medium if utm_source names no other source; without either, and if the source is that of the referrer, organic for search engines, email, ai-assistant, else referral; null = none"}
  campaign: {type: VARCHAR, description: utm_campaign; null = none}
  channel: {type: VARCHAR, description: "key of config/channels.yaml, e.g. paid_search; unassigned = no rule matches"}
  channel_rule: {type: VARCHAR, description: name of the rule that decided; null = no rule matches}
  dt: {type: DATE, description: business day of started_at}
*/
WITH starts AS (
    SELECT
        session_id,
        person_id,
        device_id,
        started_at,
        page_type,
        page_url,
        utm_source,
        utm_medium,
        utm_campaign,
        click_id,
        referrer_host,
        page_views,
        last_event_at,
        dt
    FROM core.session_starts
    WHERE dt BETWEEN $from_dt AND $to_dt
),

origins AS (
    SELECT DISTINCT
        COALESCE(utm_source, '') AS utm_source,
        COALESCE(utm_medium, '') AS utm_medium,
        COALESCE(utm_campaign, '') AS utm_campaign,
        COALESCE(click_id, '') AS click_id,
        COALESCE(referrer_host, '') AS referrer_host
    FROM starts
),

-- The most specific site of each host or name: mail.google.com rather than google.com.
names AS (
    SELECT referrer_host AS name
    FROM origins
    UNION
    SELECT LOWER(utm_source) AS name
    FROM origins
),

sites_of_names AS (
    SELECT
        names.name,
        sites.source,
        sites.category,
        ROW_NUMBER() OVER (PARTITION BY names.name ORDER BY LENGTH(sites.site) DESC) AS site_no
    FROM names
    INNER JOIN config.traffic_sites AS sites
        ON
            names.name = sites.site
            OR (CONTAINS(sites.site, '.') AND ENDS_WITH(names.name, '.' || sites.site))
),

sites AS (
    SELECT
        name,
        source,
        category
    FROM sites_of_names
    WHERE site_no = 1
),

categories AS (
    SELECT DISTINCT
        source,
        category
    FROM config.traffic_sites
),

sourced AS (
    SELECT
        origins.*,
        COALESCE(NULLIF(LOWER(origins.utm_source), ''), click_ids.source, sites.source, NULLIF(origins.referrer_host, ''))
            AS source,
        COALESCE(
            NULLIF(LOWER(origins.utm_medium), ''),
            CASE WHEN LOWER(origins.utm_source) IN ('', click_ids.source) THEN click_ids.medium END,
            CASE
                WHEN origins.utm_source <> '' OR origins.referrer_host = '' THEN NULL
                WHEN sites.category = 'search' THEN 'organic'
                WHEN sites.category = 'email' THEN 'email'
                WHEN sites.category = 'ai_assistant' THEN 'ai-assistant'
                ELSE 'referral'
            END
        ) AS medium,
        NULLIF(origins.utm_campaign, '') AS campaign
    FROM origins
    LEFT JOIN config.click_ids AS click_ids USING (click_id)
    LEFT JOIN sites ON sites.name = origins.referrer_host
),

categorised AS (
    SELECT
        sourced.*,
        COALESCE(tagged_sites.category, categories.category) AS site
    FROM sourced
    LEFT JOIN sites AS tagged_sites ON tagged_sites.name = LOWER(sourced.utm_source)
    LEFT JOIN categories ON categories.source = sourced.source
),

-- A row for each field on which a rule may have a condition.
fields AS (
    SELECT
        categorised.*,
        t.field,
        COALESCE(
            CASE t.field
                WHEN 'source' THEN source
                WHEN 'medium' THEN medium
                WHEN 'campaign' THEN LOWER(campaign)
                WHEN 'click_id' THEN NULLIF(LOWER(click_id), '')
                WHEN 'referrer' THEN NULLIF(referrer_host, '')
                WHEN 'site' THEN site
            END,
            '(none)'
        ) AS value
    FROM categorised
    CROSS JOIN UNNEST(['source', 'medium', 'campaign', 'click_id', 'referrer', 'site']) AS t(field)
),

conditions_met AS (
    SELECT DISTINCT
        fields.utm_source,
        fields.utm_medium,
        fields.utm_campaign,
        fields.click_id,
        fields.referrer_host,
        fields.field,
        conditions.rule_no
    FROM fields
    INNER JOIN config.channel_conditions AS conditions
        ON
            conditions.field = fields.field
            AND CASE
                WHEN fields.value = '(none)' THEN conditions.value = '(none)'
                WHEN conditions.is_open_before AND conditions.is_open_after THEN CONTAINS(fields.value, conditions.value)
                WHEN conditions.is_open_before THEN ENDS_WITH(fields.value, conditions.value)
                WHEN conditions.is_open_after THEN STARTS_WITH(fields.value, conditions.value)
                ELSE fields.value = conditions.value
            END
),

rules_met AS (
    SELECT
        utm_source,
        utm_medium,
        utm_campaign,
        click_id,
        referrer_host,
        rule_no,
        COUNT(*) AS fields
    FROM conditions_met
    GROUP BY utm_source, utm_medium, utm_campaign, click_id, referrer_host, rule_no
),

decided AS (
    SELECT
        rules_met.utm_source,
        rules_met.utm_medium,
        rules_met.utm_campaign,
        rules_met.click_id,
        rules_met.referrer_host,
        MIN(rules_met.rule_no) AS rule_no
    FROM rules_met
    INNER JOIN config.channel_rules AS rules
        ON
            rules.rule_no = rules_met.rule_no
            AND rules.fields = rules_met.fields
    GROUP BY
        rules_met.utm_source, rules_met.utm_medium, rules_met.utm_campaign, rules_met.click_id, rules_met.referrer_host
),

channels AS (
    SELECT
        categorised.utm_source,
        categorised.utm_medium,
        categorised.utm_campaign,
        categorised.click_id,
        categorised.referrer_host,
        categorised.source,
        categorised.medium,
        categorised.campaign,
        COALESCE(rules.channel, 'unassigned') AS channel,
        rules.rule AS channel_rule
    FROM categorised
    LEFT JOIN decided USING (utm_source, utm_medium, utm_campaign, click_id, referrer_host)
    LEFT JOIN config.channel_rules AS rules USING (rule_no)
)

SELECT
    starts.*,
    channels.source,
    channels.medium,
    channels.campaign,
    channels.channel,
    channels.channel_rule
FROM starts
INNER JOIN channels
    ON
        channels.utm_source = COALESCE(starts.utm_source, '')
        AND channels.utm_medium = COALESCE(starts.utm_medium, '')
        AND channels.utm_campaign = COALESCE(starts.utm_campaign, '')
        AND channels.click_id = COALESCE(starts.click_id, '')
        AND channels.referrer_host = COALESCE(starts.referrer_host, '')
