-- One refund for each product of Order Refunded, of the order line that order_lines.sql numbers in the same way. A
-- total is shared over the products to the cent. A refund without products names no line, so it has line number 0.
WITH taken_apart AS (
    SELECT
        -- As in events.sql, a call without messageId has a hash as its id.
        COALESCE(
            message_id,
            MD5(CONCAT_WS('|', anonymous_id, user_id, original_timestamp, timestamp, context, properties))
        ) AS refund_id,
        COALESCE(timestamp, original_timestamp) AS called_at,
        TRY(FROM_JSON(
            properties,
            '{"order_id": "VARCHAR", "total": "VARCHAR",
            "products": [{"sku": "VARCHAR", "product_id": "VARCHAR", "quantity": "VARCHAR", "price": "VARCHAR"}]}'
        )) AS properties,
        batch_id,
        record_no
    FROM events
    WHERE
        type = 'track'
        AND LOWER(event) = 'order refunded'
),

products AS (
    SELECT
        refund_id,
        called_at,
        properties.order_id AS order_id,
        properties.total AS total,
        TRY_CAST(properties.total AS DECIMAL(18, 4)) AS total_amount,
        LIST_TRANSFORM(
            properties.products,
            lambda product: {
                'sku': COALESCE(product.sku, product.product_id),
                'price': product.price,
                'amount': TRY_CAST(COALESCE(product.quantity, '1') AS DOUBLE) * TRY_CAST(product.price AS DOUBLE)
            }
        ) AS products,
        batch_id,
        record_no
    FROM taken_apart
),

sums AS (
    SELECT
        products.*,
        LIST_TRANSFORM(products, lambda product, place: LIST_SUM(LIST_TRANSFORM(
            products[1:place], lambda other: COALESCE(other.amount, 0)
        ))) AS amounts_so_far
    FROM products
),

parts AS (
    SELECT
        sums.* EXCLUDE (products, amounts_so_far),
        UNNEST(
            CASE
                WHEN LEN(products) > 0 THEN LIST_TRANSFORM(
                    products,
                    lambda product, place: {
                        'line_key': product.sku || CASE
                            WHEN LEN(LIST_FILTER(
                                products, lambda other, other_place: other_place <= place AND other.sku = product.sku
                            )) > 1
                                THEN '|' || LEN(LIST_FILTER(
                                    products, lambda other, other_place: other_place <= place AND other.sku = product.sku
                                ))
                            ELSE ''
                        END,
                        'amount': CASE
                            WHEN total IS NULL THEN COALESCE(CAST(TRY_CAST(product.amount AS DECIMAL(18, 4)) AS VARCHAR), product.price)
                            WHEN total_amount IS NULL THEN total
                            WHEN amounts_so_far[-1] = 0 THEN CASE WHEN place = 1 THEN total ELSE '0' END
                            ELSE CAST(
                                TRY_CAST(ROUND(total_amount * amounts_so_far[place] / amounts_so_far[-1], 2) AS DECIMAL(18, 2))
                                - TRY_CAST(ROUND(
                                    total_amount * COALESCE(amounts_so_far[place - 1], 0) / amounts_so_far[-1], 2
                                ) AS DECIMAL(18, 2)) AS VARCHAR
                            )
                        END
                    }
                )
                ELSE [{'line_key': CAST(NULL AS VARCHAR), 'amount': total}]
            END
        ) AS part
    FROM sums
)

SELECT
    refund_id,
    order_id,
    CAST(COALESCE(MD5_NUMBER_LOWER(part.line_key) % 2000000000, 0) AS INTEGER) AS line_no,
    called_at AS refunded_at,
    part.amount AS amount,
    called_at AS updated_at,
    batch_id,
    record_no
FROM parts
