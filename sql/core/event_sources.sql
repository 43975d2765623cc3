/* model
description: >
  Events that say where the visitor came from: by tags (utm_source, utm_medium, utm_campaign, a click id) or by the
  referrer, if that is the page of another site. Events without this information have no row.
grain: [event_id]
partition: dt
detail: true
columns:
  event_id: {type: VARCHAR, description: key of the event}
  utm_source: {type: VARCHAR, description: "as sent; if the event has no utm tag at all, from the query of page_url, decoded; null = none. A value in parentheses, such as (not set), is none"}
  utm_medium: {type: VARCHAR, description: as utm_source}
  utm_campaign: {type: VARCHAR, description: as utm_source}
  click_id: {type: VARCHAR, description: "name of the parameter that an advertising platform added to the link, e.g. gclid: as sent, else from the query of page_url; null = none"}
  referrer_host: {type: VARCHAR, description: "host of the referrer in lower case, without www. and port; null = none, the shop's own, or one of ignore_referrers in config/channels.yaml"}
  dt: {type: DATE, description: business day of the event}
*/
WITH events AS (
    SELECT
        event_id,
        page_url,
        referrer,
        CASE WHEN NOT REGEXP_MATCHES(TRIM(utm_source), '^[(][^()]*[)]$') THEN NULLIF(TRIM(utm_source), '') END AS utm_source,
        CASE WHEN NOT REGEXP_MATCHES(TRIM(utm_medium), '^[(][^()]*[)]$') THEN NULLIF(TRIM(utm_medium), '') END AS utm_medium,
        CASE WHEN NOT REGEXP_MATCHES(TRIM(utm_campaign), '^[(][^()]*[)]$') THEN NULLIF(TRIM(utm_campaign), '') END AS utm_campaign,
        NULLIF(TRIM(click_id), '') AS click_id,
        dt
    FROM core.events
    WHERE
        dt BETWEEN $from_dt AND $to_dt
        AND (
            COALESCE(utm_source, utm_medium, utm_campaign, click_id, referrer) IS NOT NULL
            OR CONTAINS(page_url, '?')
        )
),

-- The query of each address, as &name=value&name=value.
queries AS (
    SELECT DISTINCT
        page_url,
        '&' || TRIM(REGEXP_EXTRACT(page_url, '^[^?#]*[?]([^#]*)', 1)) AS query
    FROM events
    WHERE CONTAINS(page_url, '?')
),

encoded_tags AS (
    SELECT
        page_url,
        'utm_source' AS tag,
        REGEXP_EXTRACT(query, '&utm_source=([^&]*)', 1) AS value
    FROM queries
    UNION ALL
    SELECT
        page_url,
        'utm_medium' AS tag,
        REGEXP_EXTRACT(query, '&utm_medium=([^&]*)', 1) AS value
    FROM queries
    UNION ALL
    SELECT
        page_url,
        'utm_campaign' AS tag,
        REGEXP_EXTRACT(query, '&utm_campaign=([^&]*)', 1) AS value
    FROM queries
),

-- A value that is not percent-encoded UTF-8 stays as it is.
decoded_tags AS (
    SELECT
        page_url,
        tag,
        TRIM(
            CASE
                WHEN REGEXP_MATCHES(
                    value,
                    '(?i)^([^%]|%[0-7][0-9a-f]|%(c[2-9a-f]|d[0-9a-f])%[89ab][0-9a-f]|%e0%[ab][0-9a-f]%[89ab][0-9a-f]'
                    || '|%e[1-9a-cef](%[89ab][0-9a-f]){2}|%ed%[89][0-9a-f]%[89ab][0-9a-f]'
                    || '|%f0%[9ab][0-9a-f](%[89ab][0-9a-f]){2}|%f[1-3](%[89ab][0-9a-f]){3}|%f4%8[0-9a-f](%[89ab][0-9a-f]){2})*$'
                )
                    THEN URL_DECODE(REPLACE(value, '+', '%20'))
                ELSE value
            END
        ) AS value
    FROM encoded_tags
    WHERE value <> ''
),

tags_in_query AS (
    SELECT
        page_url,
        MAX(value) FILTER (WHERE tag = 'utm_source') AS utm_source,
        MAX(value) FILTER (WHERE tag = 'utm_medium') AS utm_medium,
        MAX(value) FILTER (WHERE tag = 'utm_campaign') AS utm_campaign
    FROM decoded_tags
    WHERE
        value <> ''
        AND NOT REGEXP_MATCHES(value, '^[(][^()]*[)]$')
    GROUP BY page_url
),

clicks_in_query AS (
    SELECT
        queries.page_url,
        ARG_MIN(click_ids.click_id, click_ids.click_id_no) FILTER (WHERE click_ids.click_id IS NOT NULL) AS click_id
    FROM queries
    INNER JOIN config.click_ids AS click_ids
        ON
            CONTAINS(queries.query || '&', '&' || click_ids.click_id || '=')
            AND NOT CONTAINS(queries.query || '&', '&' || click_ids.click_id || '=&')
    GROUP BY queries.page_url
),

page_hosts AS (
    SELECT
        page_url,
        LOWER(REGEXP_REPLACE(
            REGEXP_EXTRACT(page_url, '^(?:[A-Za-z][A-Za-z0-9+.-]*:)?//(?:[^/?#@\\]*@)?(\[[^\]]*\]|[^/?#:\\]*)', 1),
            '^[Ww]{3}[.]|[.]$', '', 'g'
        )) AS host
    FROM (SELECT DISTINCT page_url FROM events WHERE referrer IS NOT NULL) AS pages
),

referrer_hosts AS (
    SELECT
        referrer,
        LOWER(REGEXP_REPLACE(
            REGEXP_EXTRACT(referrer, '^(?:[A-Za-z][A-Za-z0-9+.-]*:)?//(?:[^/?#@\\]*@)?(\[[^\]]*\]|[^/?#:\\]*)', 1),
            '^[Ww]{3}[.]|[.]$', '', 'g'
        )) AS host
    FROM (SELECT DISTINCT referrer FROM events) AS referrers
),

other_sites AS (
    SELECT
        referrer_hosts.referrer,
        referrer_hosts.host
    FROM referrer_hosts
    ANTI JOIN config.ignored_hosts AS ignored
        ON
            referrer_hosts.host = ignored.host
            OR ENDS_WITH(referrer_hosts.host, '.' || ignored.host)
    WHERE referrer_hosts.host <> ''
),

sources AS (
    SELECT
        events.event_id,
        CASE
            WHEN COALESCE(events.utm_source, events.utm_medium, events.utm_campaign) IS NULL THEN tags_in_query.utm_source
            ELSE events.utm_source
        END AS utm_source,
        CASE
            WHEN COALESCE(events.utm_source, events.utm_medium, events.utm_campaign) IS NULL THEN tags_in_query.utm_medium
            ELSE events.utm_medium
        END AS utm_medium,
        CASE
            WHEN COALESCE(events.utm_source, events.utm_medium, events.utm_campaign) IS NULL THEN tags_in_query.utm_campaign
            ELSE events.utm_campaign
        END AS utm_campaign,
        COALESCE(events.click_id, clicks_in_query.click_id) AS click_id,
        CASE
            WHEN
                other_sites.host = page_hosts.host
                OR ENDS_WITH(other_sites.host, '.' || page_hosts.host)
                OR ENDS_WITH(page_hosts.host, '.' || other_sites.host)
                THEN NULL
            ELSE other_sites.host
        END AS referrer_host,
        events.dt
    FROM events
    LEFT JOIN tags_in_query USING (page_url)
    LEFT JOIN clicks_in_query USING (page_url)
    LEFT JOIN page_hosts USING (page_url)
    LEFT JOIN other_sites USING (referrer)
)

SELECT sources.*
FROM sources
WHERE COALESCE(utm_source, utm_medium, utm_campaign, click_id, referrer_host) IS NOT NULL
