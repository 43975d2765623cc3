-- Page views as events. The log has no clicks, so we infer them from the pages: the first page of a session follows a
-- click on its traffic source (the entrance), a product page follows a click on the product, and the cart page follows
-- the add-to-cart of the product that was viewed last.
WITH traffic AS (
    SELECT
        website_session_id,
        NULLIF(user_id, 'NULL') AS user_id,
        device_type,
        NULLIF(utm_source, 'NULL') AS utm_source,
        NULLIF(utm_campaign, 'NULL') AS utm_campaign,
        NULLIF(utm_content, 'NULL') AS utm_content,
        NULLIF(http_referer, 'NULL') AS referrer
    FROM sessions
),

sources AS (
    SELECT
        *,
        CASE
            WHEN utm_source IS NOT NULL THEN utm_source || '_' || COALESCE(utm_campaign, 'other')
            WHEN referrer LIKE '%gsearch%' THEN 'gsearch_organic'
            WHEN referrer LIKE '%bsearch%' THEN 'bsearch_organic'
            ELSE 'direct'
        END AS traffic_source
    FROM traffic
),

product_pages AS (
    SELECT
        url,
        sku
    FROM (
        VALUES
        ('/the-original-mr-fuzzy', '1'),
        ('/the-forever-love-bear', '2'),
        ('/the-birthday-sugar-panda', '3'),
        ('/the-hudson-river-mini-bear', '4')
    ) AS pages(url, sku)
),

pages AS (
    SELECT
        pageviews.website_session_id,
        TRY_CAST(REGEXP_EXTRACT(pageviews.website_pageview_id, '^[0-9]+$') AS BIGINT) AS page_id,
        pageviews.created_at || 'Z' AS device_time,
        LTRIM(pageviews.pageview_url, '/') AS page,
        product_pages.sku,
        pageviews.batch_id,
        pageviews.record_no
    FROM pageviews
    LEFT JOIN product_pages ON product_pages.url = pageviews.pageview_url
),

visits AS (
    SELECT
        *,
        ROW_NUMBER() OVER (PARTITION BY website_session_id ORDER BY page_id) AS page_no,
        LAST_VALUE(sku IGNORE NULLS) OVER (PARTITION BY website_session_id ORDER BY page_id) AS sku_seen_last
    FROM pages
),

events AS (
    SELECT
        visits.* EXCLUDE (sku),
        'entry' AS kind,
        'entry-' || website_session_id AS event_id,
        'click' AS event_type,
        CAST(NULL AS VARCHAR) AS sku
    FROM visits
    WHERE page_no = 1
    UNION ALL
    SELECT
        visits.* EXCLUDE (sku),
        'product' AS kind,
        'product-' || page_id AS event_id,
        'click' AS event_type,
        sku
    FROM visits
    WHERE sku IS NOT NULL
    UNION ALL
    SELECT
        visits.* EXCLUDE (sku),
        'cart' AS kind,
        'cart-' || page_id AS event_id,
        'add_to_cart' AS event_type,
        sku_seen_last AS sku
    FROM visits
    WHERE page = 'cart'
    UNION ALL
    SELECT
        visits.* EXCLUDE (sku),
        'page' AS kind,
        'page-' || page_id AS event_id,
        'page_view' AS event_type,
        CAST(NULL AS VARCHAR) AS sku
    FROM visits
)

SELECT
    events.event_id,
    COALESCE(sources.user_id, 'session-' || events.website_session_id) AS device_id,
    sources.user_id,
    events.event_type,
    events.page_id,
    events.page AS page_type,
    CASE events.kind
        WHEN 'entry' THEN COALESCE(sources.traffic_source, 'unknown')
        ELSE events.kind
    END AS module,
    events.sku,
    CASE events.kind WHEN 'entry' THEN sources.utm_content END AS content_id,
    events.device_time,
    sources.referrer,
    sources.utm_source,
    sources.utm_campaign,
    sources.device_type AS platform,
    events.batch_id,
    events.record_no
FROM events
LEFT JOIN sources USING (website_session_id)
