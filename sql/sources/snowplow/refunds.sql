-- One refund for each product of a refund action, of the order line that order_lines.sql numbers in the same way. The
-- amount is stated for the whole refund, so if there are several products, each gets its price times its quantity. A
-- refund without products is of the whole order; it names no line, so it has line number 0 and is listed in
-- core.order_mismatches.
WITH actions AS (
    SELECT
        event_id,
        COALESCE(NULLIF(derived_tstamp, ''), collector_tstamp) AS derived_at,
        TRY(FROM_JSON(
            COALESCE(ecommerce_action, TRY(FROM_JSON(unstruct_event, '{"data": {"data": "JSON"}}')).data.data),
            '{"type": "VARCHAR"}'
        )).type AS action,
        COALESCE(
            TRY(FROM_JSON(refund_entities, '["JSON"]'))[1],
            LIST_FILTER(
                TRY(FROM_JSON(contexts, '{"data": [{"schema": "VARCHAR", "data": "JSON"}]}')).data,
                lambda entity: STARTS_WITH(entity.schema, 'iglu:com.snowplowanalytics.snowplow.ecommerce/refund/')
            )[1].data
        ) AS refunded,
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
    WHERE event_name = 'snowplow_ecommerce_action'
),

parts AS (
    SELECT
        event_id,
        derived_at,
        refunded,
        LEN(products) AS product_count,
        UNNEST(
            CASE WHEN LEN(products) > 0
                THEN LIST_TRANSFORM(
                    products,
                    lambda product, product_no: {
                        'product': product,
                        'repeat_no': LEN(LIST_FILTER(
                            products,
                            lambda other, other_no:
                                other_no <= product_no AND (other ->> 'id') = (product ->> 'id')
                        ))
                    }
                )
                ELSE [NULL]
            END
        ) AS part,
        batch_id,
        record_no
    FROM actions
    WHERE action = 'refund'
)

SELECT
    event_id AS refund_id,
    refunded ->> 'transaction_id' AS order_id,
    CASE
        WHEN part IS NULL THEN 0
        ELSE CAST(MD5_NUMBER_LOWER(
            (part.product ->> 'id') || CASE WHEN part.repeat_no > 1 THEN '|' || part.repeat_no ELSE '' END
        ) % 2000000000 AS INTEGER)
    END AS line_no,
    REGEXP_REPLACE(derived_at, '^([0-9-]{10}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?)$', '\1Z') AS refunded_at,
    CASE
        WHEN product_count > 1 THEN CAST(
            TRY_CAST(part.product ->> 'price' AS DOUBLE)
            * TRY_CAST(COALESCE(part.product ->> 'quantity', '1') AS BIGINT) AS VARCHAR
        )
        ELSE refunded ->> 'refund_amount'
    END AS amount,
    batch_id,
    record_no
FROM parts
