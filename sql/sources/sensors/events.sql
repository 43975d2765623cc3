-- One event for each record of type track, track_signup or track_id_bind. source.yaml says how events and properties are
-- named, and how a shop adds its own names.
WITH taken_apart AS (
    SELECT
        track_id,
        type,
        event,
        REGEXP_REPLACE(LOWER(event), '[_ -]', '', 'g') AS plain_event,
        distinct_id,
        NULLIF(anonymous_id, '') AS anonymous_id,
        NULLIF(login_id, '') AS login_id,
        NULLIF(original_id, '') AS original_id,
        time,
        flush_time,
        recv_time,
        TRY(FROM_JSON(
            properties,
            '{"$device_id": "VARCHAR", "$is_login_id": "VARCHAR", "$url": "VARCHAR", "$url_path": "VARCHAR",
            "$url_query": "VARCHAR", "$screen_name": "VARCHAR", "$referrer": "VARCHAR", "page_referrer": "VARCHAR",
            "$utm_source": "VARCHAR", "$utm_medium": "VARCHAR", "$utm_campaign": "VARCHAR", "$lib": "VARCHAR",
            "$app_version": "VARCHAR", "$user_agent": "VARCHAR", "commodity_id": "VARCHAR", "commodityID": "VARCHAR",
            "product_id": "VARCHAR", "productId": "VARCHAR", "goods_id": "VARCHAR", "sku_id": "VARCHAR",
            "sku": "VARCHAR", "item_id": "VARCHAR", "module": "VARCHAR", "module_name": "VARCHAR",
            "page_module": "VARCHAR", "$element_id": "VARCHAR", "$element_name": "VARCHAR", "slot": "VARCHAR",
            "position": "VARCHAR", "$element_position": "VARCHAR", "content_id": "VARCHAR", "banner_id": "VARCHAR",
            "$element_content": "VARCHAR"}'
        )) AS p,
        TRY(FROM_JSON(lib, '{"$lib": "VARCHAR", "$app_version": "VARCHAR"}')) AS lib,
        properties,
        batch_id,
        record_no
    FROM events
    WHERE
        type IN ('track', 'track_signup', 'track_id_bind')
        OR type IS NULL
),

identified AS (
    SELECT
        taken_apart.*,
        COALESCE(anonymous_id, original_id, NULLIF(p."$device_id", ''), distinct_id) AS device_id,
        CASE
            WHEN login_id IS NOT NULL THEN login_id
            WHEN p."$is_login_id" = 'true' THEN distinct_id
            WHEN anonymous_id IS NULL AND distinct_id <> COALESCE(original_id, NULLIF(p."$device_id", '')) THEN distinct_id
        END AS user_id,
        LOWER(COALESCE(lib."$lib", p."$lib")) AS sdk
    FROM taken_apart
)

SELECT
    -- _track_id is a random number of few digits, so it is unique only together with the device and the time.
    CASE
        WHEN track_id IS NOT NULL THEN device_id || '-' || time || '-' || track_id
        ELSE MD5(CONCAT_WS('|', device_id, time, event, properties))
    END AS event_id,
    device_id,
    user_id,
    CASE
        WHEN event IN ('$pageview', '$AppViewScreen', '$MPViewScreen') THEN 'page_view'
        WHEN event IN ('$WebClick', '$AppClick', '$MPClick') THEN 'click'
        WHEN REGEXP_MATCHES(plain_event, '^(commodity|product|goods|item|banner|module)?exposure$') THEN 'exposure'
        WHEN REGEXP_MATCHES(plain_event, '^(commodity|product|goods|item|banner|module|searchresult)?click$') THEN 'click'
        WHEN plain_event IN ('addtocart', 'addtoshoppingcart', 'addcart', 'joincart') THEN 'add_to_cart'
        ELSE event
    END AS event_type,
    COALESCE(
        NULLIF(p."$url", ''),
        NULLIF(p."$url_path", '') || COALESCE('?' || NULLIF(p."$url_query", ''), ''),
        'app:/' || NULLIF(p."$screen_name", '')
    ) AS page_url,
    NULLIF(COALESCE(p.page_referrer, p."$referrer"), '') AS referrer,
    COALESCE(p.module, p.module_name, p.page_module, p."$element_id", p."$element_name") AS module,
    COALESCE(p.slot, p.position, NULLIF(REGEXP_EXTRACT(p."$element_position", '[0-9]+$'), '')) AS slot,
    COALESCE(
        p.commodity_id, p."commodityID", p.product_id, p."productId", p.goods_id, p.sku_id, p.sku, p.item_id
    ) AS sku,
    COALESCE(p.content_id, p.banner_id, p."$element_content") AS content_id,
    time AS device_time,
    flush_time AS sent_time,
    recv_time AS received_at,
    NULLIF(p."$utm_source", '') AS utm_source,
    NULLIF(p."$utm_medium", '') AS utm_medium,
    NULLIF(p."$utm_campaign", '') AS utm_campaign,
    CASE WHEN sdk = 'js' THEN 'web' ELSE sdk END AS platform,
    COALESCE(p."$app_version", lib."$app_version") AS app_version,
    CASE
        WHEN REGEXP_MATCHES(p."$user_agent", '(?i)(^|[^u])bot\b|crawler|spider|slurp|headlesschrome') THEN TRUE
    END AS is_bot,
    batch_id,
    record_no
FROM identified
