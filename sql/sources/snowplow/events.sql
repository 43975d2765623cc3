-- One event for each page view, click on a link, cart and purchase, and for each product or promotion of an e-commerce
-- action. Page pings, structured events and self-describing events of other schemas give no row.
WITH taken_apart AS (
    SELECT
        event_id,
        event,
        event_name,
        NULLIF(user_id, '') AS user_id,
        NULLIF(domain_userid, '') AS domain_userid,
        NULLIF(network_userid, '') AS network_userid,
        COALESCE(NULLIF(dvce_created_tstamp, ''), collector_tstamp) AS created_at,
        dvce_sent_tstamp AS sent_at,
        collector_tstamp AS collected_at,
        LOWER(platform) AS platform,
        NULLIF(page_url, '') AS page_url,
        page_referrer,
        mkt_source,
        mkt_medium,
        mkt_campaign,
        useragent,
        br_type,
        dvce_type,
        TRY(FROM_JSON(
            COALESCE(
                ecommerce_action,
                link_click,
                add_to_cart,
                TRY(FROM_JSON(unstruct_event, '{"data": {"data": "JSON"}}')).data.data
            ),
            '{"type": "VARCHAR", "name": "VARCHAR", "elementId": "VARCHAR", "element_id": "VARCHAR", "sku": "VARCHAR"}'
        )) AS described,
        -- TSV has all entities in two columns, with their schemas; JSON and lakes have a column for each schema.
        LIST_CONCAT(
            LIST_TRANSFORM(
                LIST_CONCAT(
                    TRY(FROM_JSON(contexts, '{"data": [{"schema": "VARCHAR", "data": "JSON"}]}')).data,
                    TRY(FROM_JSON(derived_contexts, '{"data": [{"schema": "VARCHAR", "data": "JSON"}]}')).data
                ),
                lambda entity: {'kind': REGEXP_EXTRACT(entity.schema, '^iglu:([^/]+/[^/]+)/', 1), 'data': entity.data}
            ),
            LIST_TRANSFORM(TRY(FROM_JSON(product_entities, '["JSON"]')), lambda entity: {
                'kind': 'com.snowplowanalytics.snowplow.ecommerce/product', 'data': entity
            }),
            LIST_TRANSFORM(TRY(FROM_JSON(promotion_entities, '["JSON"]')), lambda entity: {
                'kind': 'com.snowplowanalytics.snowplow.ecommerce/promotion', 'data': entity
            }),
            LIST_TRANSFORM(TRY(FROM_JSON(page_entities, '["JSON"]')), lambda entity: {
                'kind': 'com.snowplowanalytics.snowplow.ecommerce/page', 'data': entity
            }),
            LIST_TRANSFORM(TRY(FROM_JSON(screen_entities, '["JSON"]')), lambda entity: {
                'kind': 'com.snowplowanalytics.mobile/screen', 'data': entity
            }),
            LIST_TRANSFORM(TRY(FROM_JSON(session_entities, '["JSON"]')), lambda entity: {
                'kind': 'com.snowplowanalytics.snowplow/client_session', 'data': entity
            }),
            LIST_TRANSFORM(TRY(FROM_JSON(spider_entities, '["JSON"]')), lambda entity: {
                'kind': 'com.iab.snowplow/spiders_and_robots', 'data': entity
            }),
            LIST_TRANSFORM(TRY(FROM_JSON(yauaa_entities, '["JSON"]')), lambda entity: {
                'kind': 'nl.basjes/yauaa_context', 'data': entity
            })
        ) AS entities,
        contexts,
        batch_id,
        record_no
    FROM events
    WHERE
        COALESCE(event, '') IN ('', 'page_view', 'transaction')
        OR event IN ('unstruct', 'ue')
        AND event_name IN ('snowplow_ecommerce_action', 'link_click', 'add_to_cart', 'screen_view')
),

actions AS (
    SELECT
        taken_apart.* EXCLUDE (entities),
        CASE
            WHEN event_name = 'snowplow_ecommerce_action' THEN described.type
            WHEN event IN ('unstruct', 'ue') THEN event_name
            ELSE event
        END AS action,
        LIST_FILTER(
            entities,
            lambda entity: entity.kind = 'com.snowplowanalytics.snowplow.ecommerce/product'
        ) AS products,
        LIST_FILTER(
            entities,
            lambda entity: entity.kind = 'com.snowplowanalytics.snowplow.ecommerce/promotion'
        ) AS promotions,
        LIST_FILTER(
            entities,
            lambda entity: entity.kind = 'com.snowplowanalytics.snowplow.ecommerce/page'
        )[1].data ->> 'type' AS page_type,
        LIST_FILTER(
            entities,
            lambda entity: entity.kind = 'com.snowplowanalytics.mobile/screen'
        )[1].data AS screen,
        LIST_FILTER(
            entities,
            lambda entity: entity.kind = 'com.snowplowanalytics.snowplow/client_session'
        )[1].data AS client_session,
        LIST_FILTER(
            entities,
            lambda entity: entity.kind = 'com.iab.snowplow/spiders_and_robots'
        )[1].data AS spider,
        LIST_FILTER(
            entities,
            lambda entity: entity.kind = 'nl.basjes/yauaa_context'
        )[1].data ->> 'deviceClass' AS device_class
    FROM taken_apart
),

-- What an event shows.
showing AS (
    SELECT
        actions.* EXCLUDE (products, promotions, contexts),
        CASE
            -- Old pipelines cut off long contexts; such records are refused as "bad slot".
            WHEN COALESCE(contexts, '') <> '' AND NOT JSON_VALID(contexts) THEN [{
                'module': CAST(NULL AS VARCHAR),
                'slot': contexts,
                'sku': CAST(NULL AS VARCHAR),
                'content_id': CAST(NULL AS VARCHAR)
            }]
            WHEN
                action IN ('product_view', 'list_view', 'list_click', 'add_to_cart')
                AND event_name = 'snowplow_ecommerce_action'
                THEN LIST_TRANSFORM(products, lambda product: {
                    'module': described.name,
                    'slot': product.data ->> 'position',
                    'sku': product.data ->> 'id',
                    'content_id': product.data ->> 'creative_id'
                })
            WHEN action IN ('promo_view', 'promo_click') THEN LIST_TRANSFORM(promotions, lambda promotion: {
                'module': COALESCE(promotion.data ->> 'slot', promotion.data ->> 'type'),
                'slot': promotion.data ->> 'position',
                'sku': CAST(NULL AS VARCHAR),
                'content_id': COALESCE(promotion.data ->> 'creative_id', promotion.data ->> 'id')
            })
            ELSE [{
                'module': COALESCE(described.elementId, described.element_id),
                'slot': CAST(NULL AS VARCHAR),
                'sku': described.sku,
                'content_id': CAST(NULL AS VARCHAR)
            }]
        END AS shown
    FROM actions
    WHERE COALESCE(action, '') NOT IN ('remove_from_cart', 'checkout_step', 'refund', 'trns_error')
),

parts AS (
    SELECT
        showing.* EXCLUDE (shown),
        COALESCE(domain_userid, network_userid, client_session ->> 'userId', client_session ->> 'user_id') AS device_id,
        UNNEST(LIST_TRANSFORM(shown, lambda part, part_no: {'part_no': part_no, 'part': part})) AS numbered
    FROM showing
)

SELECT
    CASE WHEN numbered.part_no > 1 THEN event_id || '/' || numbered.part_no ELSE event_id END AS event_id,
    device_id,
    -- A guest's order has 'device:<id>' as its user (orders.sql). The purchase event names this user, so that it is known
    -- on which device the order was made.
    CASE WHEN action = 'transaction' THEN COALESCE(user_id, 'device:' || device_id) ELSE user_id END AS user_id,
    CASE
        WHEN action = 'screen_view' THEN 'page_view'
        WHEN action IN ('list_view', 'promo_view') THEN 'exposure'
        WHEN action IN ('list_click', 'promo_click', 'link_click') THEN 'click'
        WHEN action = 'transaction' THEN 'purchase'
        ELSE action
    END AS event_type,
    page_type,
    -- A screen of an app has an id for as long as it stays open.
    COALESCE(page_url, 'app:/' || (screen ->> 'name') || COALESCE('?screen_id=' || (screen ->> 'id'), '')) AS page_url,
    page_referrer AS referrer,
    numbered.part.module AS module,
    numbered.part.slot AS slot,
    numbered.part.sku AS sku,
    numbered.part.content_id AS content_id,
    -- Snowplow's times are in UTC, but in TSV they have no offset.
    REGEXP_REPLACE(created_at, '^([0-9-]{10}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?)$', '\1Z') AS device_time,
    REGEXP_REPLACE(sent_at, '^([0-9-]{10}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?)$', '\1Z') AS sent_time,
    REGEXP_REPLACE(collected_at, '^([0-9-]{10}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?)$', '\1Z') AS received_at,
    mkt_source AS utm_source,
    mkt_medium AS utm_medium,
    mkt_campaign AS utm_campaign,
    CASE
        WHEN platform <> 'web' THEN platform
        WHEN COALESCE(NULLIF(dvce_type, ''), device_class) IN ('Computer', 'Desktop') THEN 'desktop'
        WHEN COALESCE(NULLIF(dvce_type, ''), device_class) IN ('Mobile', 'Phone') THEN 'mobile'
        WHEN COALESCE(NULLIF(dvce_type, ''), device_class) = 'Tablet' THEN 'tablet'
        ELSE platform
    END AS platform,
    -- CUBOT is a brand of phones, not a bot.
    COALESCE(COALESCE(spider ->> 'spiderOrRobot', spider ->> 'spider_or_robot') = 'true', FALSE)
    OR COALESCE(device_class LIKE 'Robot%', FALSE)
    OR COALESCE(br_type LIKE 'Robot%', FALSE)
    OR COALESCE(
        REGEXP_MATCHES(LOWER(useragent), '(^|[^u])bot|crawl|spider|slurp|headlesschrome|lighthouse|pingdom'),
        FALSE
    ) AS is_bot,
    batch_id,
    record_no
FROM parts
