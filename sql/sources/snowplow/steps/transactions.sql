-- E-commerce actions and the older events "transaction" and "transaction_item", with the entities of orders and refunds. TSV
-- has all entities in one column, with their schemas; JSON and lakes have a column for each schema.
--
-- A refund names products, but not the lines of the order: so the number of a line is a hash of the product; for the second
-- line of one product it is a hash of the product and "2".
WITH taken_apart AS (
    SELECT
        event_id,
        event,
        tr_orderid,
        tr_currency,
        ti_orderid,
        ti_sku,
        ti_price,
        ti_quantity,
        NULLIF(user_id, '') AS user_id,
        COALESCE(NULLIF(domain_userid, ''), NULLIF(network_userid, '')) AS cookie_id,
        COALESCE(NULLIF(derived_tstamp, ''), collector_tstamp) AS derived_at,
        CASE WHEN event_name = 'snowplow_ecommerce_action'
            THEN TRY(FROM_JSON(
                COALESCE(ecommerce_action, TRY(FROM_JSON(unstruct_event, '{"data": {"data": "JSON"}}')).data.data),
                '{"type": "VARCHAR"}'
            )).type
        END AS action,
        TRY(FROM_JSON(contexts, '{"data": [{"schema": "VARCHAR", "data": "JSON"}]}')).data AS entities,
        TRY(FROM_JSON(transaction_entities, '["JSON"]')) AS transactions,
        TRY(FROM_JSON(refund_entities, '["JSON"]')) AS refunds,
        TRY(FROM_JSON(session_entities, '["JSON"]')) AS sessions,
        TRY(FROM_JSON(product_entities, '["JSON"]')) AS products,
        batch_id,
        record_no
    FROM events
    WHERE
        event IN ('transaction', 'transaction_item')
        OR event_name = 'snowplow_ecommerce_action'
),

actions AS (
    SELECT
        taken_apart.* EXCLUDE (derived_at, entities, transactions, refunds, sessions, products),
        -- A time without a zone is UTC.
        REGEXP_REPLACE(
            derived_at,
            '^([0-9-]{10}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?)$',
            '\1Z'
        ) AS derived_at,
        COALESCE(
            transactions[1],
            LIST_FILTER(
                entities,
                lambda entity: STARTS_WITH(
                    entity.schema,
                    'iglu:com.snowplowanalytics.snowplow.ecommerce/transaction/'
                )
            )[1].data
        ) AS bought,
        COALESCE(
            refunds[1],
            LIST_FILTER(
                entities,
                lambda entity: STARTS_WITH(entity.schema, 'iglu:com.snowplowanalytics.snowplow.ecommerce/refund/')
            )[1].data
        ) AS refunded,
        COALESCE(
            sessions[1],
            LIST_FILTER(
                entities,
                lambda entity: STARTS_WITH(entity.schema, 'iglu:com.snowplowanalytics.snowplow/client_session/')
            )[1].data
        ) AS client_session,
        LIST_CONCAT(
            products,
            LIST_TRANSFORM(
                LIST_FILTER(
                    entities,
                    lambda entity: STARTS_WITH(
                        entity.schema,
                        'iglu:com.snowplowanalytics.snowplow.ecommerce/product/'
                    )
                ),
                lambda entity: entity.data
            )
        ) AS products
    FROM taken_apart
),

items AS (
    SELECT
        actions.* EXCLUDE (products),
        CASE WHEN event = 'transaction_item'
            THEN [{
                'sku': ti_sku,
                'repeat_no': CAST(1 AS BIGINT),
                'quantity': NULLIF(ti_quantity, ''),
                'price': ti_price
            }]
            ELSE LIST_TRANSFORM(
                products,
                lambda product, product_no: {
                    'sku': product ->> 'id',
                    'repeat_no': LEN(LIST_FILTER(
                        products,
                        lambda other, other_no:
                            other_no <= product_no AND (other ->> 'id') = (product ->> 'id')
                    )),
                    'quantity': product ->> 'quantity',
                    'price': product ->> 'price'
                }
            )
        END AS items
    FROM actions
)

SELECT
    items.* EXCLUDE (items),
    LIST_TRANSFORM(
        items,
        lambda item: {
            'line_no': CAST(
                MD5_NUMBER_LOWER(item.sku || CASE WHEN item.repeat_no > 1 THEN '|' || item.repeat_no ELSE '' END)
                % 2000000000 AS INTEGER
            ),
            'sku': item.sku,
            -- A product without a quantity counts as one unit.
            'quantity': COALESCE(item.quantity, '1'),
            'price': item.price
        }
    ) AS items
FROM items
