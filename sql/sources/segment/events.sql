-- One event for each page, screen, track and identify call, but for a viewed list one for each product. source.yaml
-- says how the events of the e-commerce spec are read.
WITH taken_apart AS (
    SELECT
        message_id,
        type,
        event,
        LOWER(event) AS plain_event,
        name,
        NULLIF(anonymous_id, '') AS anonymous_id,
        NULLIF(user_id, '') AS user_id,
        original_timestamp,
        sent_at,
        received_at,
        timestamp,
        channel,
        TRY(FROM_JSON(
            context,
            '{"page": {"url": "VARCHAR", "referrer": "VARCHAR"}, "userAgent": "VARCHAR", "app": {"version": "VARCHAR"},
            "os": {"name": "VARCHAR"}, "campaign": {"source": "VARCHAR", "medium": "VARCHAR", "name": "VARCHAR"}}'
        )) AS context,
        TRY(FROM_JSON(
            properties,
            '{"url": "VARCHAR", "referrer": "VARCHAR", "name": "VARCHAR", "list_id": "VARCHAR", "list": "VARCHAR",
            "list_name": "VARCHAR", "category": "VARCHAR", "position": "VARCHAR", "sku": "VARCHAR",
            "product_id": "VARCHAR", "promotion_id": "VARCHAR", "creative": "VARCHAR", "screen_name": "VARCHAR",
            "products": [{"sku": "VARCHAR", "product_id": "VARCHAR", "position": "VARCHAR"}]}'
        )) AS properties,
        TRY(JSON_EXTRACT_STRING(properties, '$.products')) AS products_text,
        CONCAT_WS('|', type, event, name, anonymous_id, user_id, original_timestamp, timestamp) AS call_text,
        context AS context_text,
        properties AS properties_text,
        batch_id,
        record_no
    FROM events
    WHERE
        type IN ('page', 'screen', 'track', 'identify')
        OR type IS NULL
),

showing AS (
    SELECT
        taken_apart.*,
        CASE
            WHEN plain_event = 'product list viewed' AND LEN(properties.products) > 0 THEN LIST_TRANSFORM(
                properties.products,
                lambda product, place: {
                    'part_no': place,
                    'sku': COALESCE(product.sku, product.product_id),
                    'slot': COALESCE(product.position, CAST(place AS VARCHAR))
                }
            )
            -- Products that cannot be read are refused as "bad slot".
            WHEN plain_event = 'product list viewed' THEN [{
                'part_no': 1,
                'sku': CAST(NULL AS VARCHAR),
                'slot': CASE WHEN properties.products IS NULL THEN products_text END
            }]
            WHEN STARTS_WITH(plain_event, 'product ') THEN [{
                'part_no': 1,
                'sku': COALESCE(properties.sku, properties.product_id),
                'slot': properties.position
            }]
            ELSE [{'part_no': 1, 'sku': CAST(NULL AS VARCHAR), 'slot': CAST(NULL AS VARCHAR)}]
        END AS shown
    FROM taken_apart
),

parts AS (
    SELECT
        showing.* EXCLUDE (shown),
        UNNEST(shown) AS part
    FROM showing
)

SELECT
    COALESCE(message_id, MD5(CONCAT_WS('|', call_text, context_text, properties_text)))
    || CASE WHEN plain_event = 'product list viewed' THEN '/' || part.part_no ELSE '' END AS event_id,
    COALESCE(anonymous_id, user_id) AS device_id,
    -- A guest's order has 'device:<id>' as its user (orders.sql). The purchase event names this user, so that it is known
    -- on which device the order was made.
    CASE WHEN plain_event = 'order completed' THEN COALESCE(user_id, 'device:' || anonymous_id) ELSE user_id END AS user_id,
    CASE
        WHEN type IN ('page', 'screen') THEN 'page_view'
        WHEN type = 'identify' THEN 'identify'
        WHEN plain_event = 'product list viewed' AND part.sku IS NULL AND part.slot IS NULL THEN 'product_list_viewed'
        WHEN plain_event IN ('product list viewed', 'promotion viewed') THEN 'exposure'
        WHEN plain_event IN ('product clicked', 'promotion clicked') THEN 'click'
        WHEN plain_event = 'product added' THEN 'add_to_cart'
        WHEN plain_event = 'product viewed' THEN 'product_view'
        WHEN plain_event = 'order completed' THEN 'purchase'
        ELSE event
    END AS event_type,
    COALESCE(
        CASE WHEN type = 'page' THEN properties.url END,
        context.page.url,
        'app:/' || CASE WHEN type = 'screen' THEN COALESCE(name, properties.name) ELSE properties.screen_name END
    ) AS page_url,
    NULLIF(COALESCE(CASE WHEN type = 'page' THEN properties.referrer END, context.page.referrer), '') AS referrer,
    CASE
        WHEN type <> 'track' THEN NULL
        WHEN STARTS_WITH(plain_event, 'promotion ') THEN properties.position
        ELSE COALESCE(properties.list_id, properties.list, properties.list_name, properties.category)
    END AS module,
    part.slot AS slot,
    part.sku AS sku,
    CASE
        WHEN STARTS_WITH(plain_event, 'promotion ')
            THEN COALESCE(properties.promotion_id, properties.creative, properties.name)
    END AS content_id,
    COALESCE(original_timestamp, timestamp) AS device_time,
    CASE WHEN original_timestamp IS NOT NULL THEN sent_at END AS sent_time,
    received_at,
    context.campaign.source AS utm_source,
    context.campaign.medium AS utm_medium,
    context.campaign.name AS utm_campaign,
    CASE
        WHEN LOWER(context.os.name) IN ('android', 'ios', 'ipados') THEN LOWER(context.os.name)
        WHEN channel IN ('mobile', 'server') THEN channel
        ELSE 'web'
    END AS platform,
    context.app.version AS app_version,
    CASE
        WHEN REGEXP_MATCHES(context."userAgent", '(?i)(^|[^u])bot\b|crawler|spider|slurp|headlesschrome') THEN TRUE
    END AS is_bot,
    batch_id,
    record_no
FROM parts
