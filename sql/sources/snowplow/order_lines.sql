-- One line for each product of a transaction, or for each of the older events "transaction_item". A refund names
-- products, but not their lines: so the number of a line is a hash of the product, which refunds.sql computes in the
-- same way; for the second line of one product it is a hash of the product and "2".
WITH transactions AS (
    SELECT
        event,
        ti_orderid,
        ti_sku,
        ti_price,
        ti_quantity,
        TRY(FROM_JSON(
            COALESCE(ecommerce_action, TRY(FROM_JSON(unstruct_event, '{"data": {"data": "JSON"}}')).data.data),
            '{"type": "VARCHAR"}'
        )).type AS action,
        COALESCE(
            TRY(FROM_JSON(transaction_entities, '["JSON"]'))[1],
            LIST_FILTER(
                TRY(FROM_JSON(contexts, '{"data": [{"schema": "VARCHAR", "data": "JSON"}]}')).data,
                lambda entity: STARTS_WITH(
                    entity.schema,
                    'iglu:com.snowplowanalytics.snowplow.ecommerce/transaction/'
                )
            )[1].data
        ) AS bought,
        LIST_CONCAT(
            TRY(FROM_JSON(product_entities, '["JSON"]')),
            LIST_TRANSFORM(
                LIST_FILTER(
                    TRY(FROM_JSON(contexts, '{"data": [{"schema": "VARCHAR", "data": "JSON"}]}')).data,
                    lambda entity: STARTS_WITH(
                        entity.schema,
                        'iglu:com.snowplowanalytics.snowplow.ecommerce/product/'
                    )
                ),
                lambda entity: entity.data
            )
        ) AS products,
        batch_id,
        record_no
    FROM events
    WHERE
        event = 'transaction_item'
        OR event_name = 'snowplow_ecommerce_action'
),

lines AS (
    SELECT
        CASE WHEN event = 'transaction_item' THEN ti_orderid ELSE bought ->> 'transaction_id' END AS order_id,
        UNNEST(
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
            END
        ) AS item,
        batch_id,
        record_no
    FROM transactions
    WHERE
        event = 'transaction_item'
        OR action = 'transaction'
)

SELECT
    order_id,
    CAST(
        MD5_NUMBER_LOWER(item.sku || CASE WHEN item.repeat_no > 1 THEN '|' || item.repeat_no ELSE '' END) % 2000000000
        AS INTEGER
    ) AS line_no,
    item.sku AS sku,
    -- A product without a quantity counts as one unit.
    COALESCE(item.quantity, '1') AS quantity,
    item.price AS unit_price,
    batch_id,
    record_no
FROM lines
