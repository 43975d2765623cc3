-- One event for each page view and purchase, and for each item of a list, a click, a product's page or a cart; one for
-- each banner of a promotion. Other GA4 events, such as scroll and session_start, give no row, nor do events of
-- visitors who refused storage, because they have no device.
--
-- GA4 has no event ids, so an id is built from the fields that distinguish events. The daily table repeats the events of
-- the intraday table, and they get the same ids. Exports before 2024 have no batch columns: there, a hash of the
-- parameters distinguishes two events with the same name and microsecond.
WITH taken_apart AS (
    SELECT
        event_timestamp,
        event_name,
        event_bundle_sequence_id,
        batch_page_id,
        batch_ordering_id,
        batch_event_index,
        user_pseudo_id,
        NULLIF(user_id, '') AS user_id,
        UPPER(platform) AS platform,
        LIST_TRANSFORM(
            TRY(FROM_JSON(
                REPLACE(event_params, '"(not set)"', 'null'),
                '[{"key": "VARCHAR", "value": {"string_value": "VARCHAR", "int_value": "VARCHAR",
                "float_value": "VARCHAR", "double_value": "VARCHAR"}}]'
            )),
            lambda param: {
                'key': param.key,
                'text': COALESCE(
                    param.value.string_value,
                    param.value.int_value,
                    param.value.double_value,
                    param.value.float_value
                )
            }
        ) AS params,
        TRY(FROM_JSON(
            REPLACE(items, '"(not set)"', 'null'),
            '[{"item_id": "VARCHAR", "item_list_id": "VARCHAR", "item_list_name": "VARCHAR",
            "item_list_index": "VARCHAR", "promotion_id": "VARCHAR", "promotion_name": "VARCHAR",
            "creative_name": "VARCHAR", "creative_slot": "VARCHAR"}]'
        )) AS items,
        items AS items_text,
        TRY(FROM_JSON(device, '{"category": "VARCHAR"}')).category AS device_category,
        TRY(FROM_JSON(app_info, '{"version": "VARCHAR"}')).version AS app_version,
        TRY(FROM_JSON(
            collected_traffic_source,
            '{"manual_source": "VARCHAR", "manual_medium": "VARCHAR", "manual_campaign_name": "VARCHAR",
            "gclid": "VARCHAR", "dclid": "VARCHAR", "srsltid": "VARCHAR"}'
        )) AS collected,
        TRY(FROM_JSON(
            session_traffic_source_last_click,
            '{"manual_campaign": {"source": "VARCHAR", "medium": "VARCHAR", "campaign_name": "VARCHAR"}}'
        )).manual_campaign AS last_click,
        batch_id,
        record_no
    FROM events
    WHERE
        (
            event_name IN (
                'page_view', 'screen_view', 'view_item_list', 'select_item', 'view_item', 'view_promotion',
                'select_promotion', 'add_to_cart', 'purchase'
            )
            OR event_name IS NULL
        )
        AND NOT (
            COALESCE(user_pseudo_id, '') = ''
            AND COALESCE(TRY(FROM_JSON(privacy_info, '{"analytics_storage": "VARCHAR"}')).analytics_storage, '') = 'No'
        )
),

parameters AS (
    SELECT
        taken_apart.*,
        LIST_FILTER(params, lambda param: param.key = 'page_location')[1].text AS page_location,
        LIST_FILTER(params, lambda param: param.key = 'page_referrer')[1].text AS page_referrer,
        LIST_FILTER(params, lambda param: param.key = 'firebase_screen')[1].text AS screen,
        LIST_FILTER(params, lambda param: param.key = 'firebase_screen_class')[1].text AS screen_class,
        LIST_FILTER(params, lambda param: param.key = 'firebase_screen_id')[1].text AS screen_id,
        LIST_FILTER(params, lambda param: param.key = 'item_list_id')[1].text AS list_id,
        LIST_FILTER(params, lambda param: param.key = 'item_list_name')[1].text AS list_name,
        LIST_FILTER(params, lambda param: param.key = 'creative_slot')[1].text AS creative_slot,
        LIST_FILTER(params, lambda param: param.key = 'creative_name')[1].text AS creative_name,
        LIST_FILTER(params, lambda param: param.key = 'promotion_id')[1].text AS promotion_id,
        LIST_FILTER(params, lambda param: param.key = 'promotion_name')[1].text AS promotion_name,
        LIST_FILTER(params, lambda param: param.key = 'source')[1].text AS param_source,
        LIST_FILTER(params, lambda param: param.key = 'medium')[1].text AS param_medium,
        LIST_FILTER(params, lambda param: param.key = 'campaign')[1].text AS param_campaign
    FROM taken_apart
),

-- What an event shows; slot is the index as sent.
showing AS (
    SELECT
        parameters.* EXCLUDE (items, items_text),
        CASE
            -- Items that cannot be read are refused as "bad slot".
            WHEN items IS NULL AND items_text IS NOT NULL THEN [{
                'module': CAST(NULL AS VARCHAR),
                'slot': items_text,
                'sku': CAST(NULL AS VARCHAR),
                'content_id': CAST(NULL AS VARCHAR)
            }]
            WHEN event_name IN ('view_item_list', 'select_item', 'view_item', 'add_to_cart') THEN LIST_TRANSFORM(
                items,
                lambda item: {
                    'module': COALESCE(item.item_list_id, item.item_list_name, list_id, list_name),
                    'slot': item.item_list_index,
                    'sku': item.item_id,
                    'content_id': CAST(NULL AS VARCHAR)
                }
            )
            WHEN event_name IN ('view_promotion', 'select_promotion') THEN LIST_TRANSFORM(
                CASE WHEN LEN(items) > 0 THEN items ELSE [NULL] END,
                lambda item: {
                    'module': COALESCE(item.creative_slot, creative_slot, item.creative_name, creative_name),
                    'slot': item.item_list_index,
                    'sku': CAST(NULL AS VARCHAR),
                    'content_id': COALESCE(item.promotion_id, promotion_id, item.promotion_name, promotion_name)
                }
            )
            ELSE [{
                'module': CAST(NULL AS VARCHAR),
                'slot': CAST(NULL AS VARCHAR),
                'sku': CAST(NULL AS VARCHAR),
                'content_id': CAST(NULL AS VARCHAR)
            }]
        END AS shown
    FROM parameters
),

-- A promotion's banner is one exposure, although the event repeats the promotion for each item that it advertises.
parts AS (
    SELECT
        showing.* EXCLUDE (shown),
        UNNEST(LIST_TRANSFORM(
            LIST_FILTER(
                shown,
                lambda part, part_no: part.sku IS NOT NULL OR LIST_POSITION(shown, part) = part_no
            ),
            lambda part, part_no: {'part_no': part_no, 'part': part}
        )) AS numbered
    FROM showing
)

SELECT
    CONCAT_WS(
        '/',
        user_pseudo_id,
        event_timestamp,
        event_name,
        event_bundle_sequence_id,
        batch_page_id,
        batch_ordering_id,
        COALESCE(
            batch_event_index,
            MD5(ARRAY_TO_STRING(
                LIST_SORT(LIST_TRANSFORM(params, lambda param: CONCAT_WS('=', param.key, param.text))),
                '|'
            ))
        ),
        numbered.part_no
    ) AS event_id,
    user_pseudo_id AS device_id,
    -- A guest's order has 'device:<id>' as its user (orders.sql). The purchase event names this user, so that it is known
    -- on which device the order was made.
    CASE event_name WHEN 'purchase' THEN COALESCE(user_id, 'device:' || user_pseudo_id) ELSE user_id END AS user_id,
    CASE
        WHEN event_name IN ('page_view', 'screen_view') THEN 'page_view'
        WHEN event_name IN ('view_item_list', 'view_promotion') THEN 'exposure'
        WHEN event_name IN ('select_item', 'select_promotion') THEN 'click'
        WHEN event_name = 'view_item' THEN 'product_view'
        ELSE event_name
    END AS event_type,
    -- A screen of an app has an id for as long as it stays open.
    COALESCE(
        page_location,
        'app:/' || COALESCE(screen, screen_class) || COALESCE('?screen_id=' || screen_id, '')
    ) AS page_url,
    page_referrer AS referrer,
    numbered.part.module AS module,
    -- The number, even if it follows a word ("Slide 3"); any other text is refused.
    COALESCE(NULLIF(REGEXP_EXTRACT(numbered.part.slot, '^([A-Za-z ]+ )?([0-9]+)$', 2), ''), numbered.part.slot) AS slot,
    numbered.part.sku AS sku,
    numbered.part.content_id AS content_id,
    -- Microseconds since 1970 have 16 digits. Anything else is left to validation.
    CASE
        WHEN REGEXP_FULL_MATCH(event_timestamp, '[0-9]{16}')
            THEN CAST(MAKE_TIMESTAMP(CAST(event_timestamp AS BIGINT)) AS VARCHAR) || 'Z'
        ELSE event_timestamp
    END AS device_time,
    COALESCE(collected.manual_source, param_source, last_click.source) AS utm_source,
    COALESCE(collected.manual_medium, param_medium, last_click.medium) AS utm_medium,
    COALESCE(collected.manual_campaign_name, param_campaign, last_click.campaign_name) AS utm_campaign,
    CASE
        WHEN collected.gclid <> '' THEN 'gclid'
        WHEN collected.dclid <> '' THEN 'dclid'
        WHEN collected.srsltid <> '' THEN 'srsltid'
    END AS click_id,
    CASE
        WHEN platform IN ('IOS', 'ANDROID') THEN LOWER(platform)
        ELSE COALESCE(device_category, LOWER(platform))
    END AS platform,
    app_version,
    batch_id,
    record_no
FROM parts
