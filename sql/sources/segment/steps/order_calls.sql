-- The calls about orders with their products. A refund names products, but not the lines of the order: so the number of a line
-- is a hash of the product; for the second line of one product it is a hash of the product and "2". A call without products
-- gets one product without a sku.
WITH taken_apart AS (
    SELECT
        LOWER(event) AS plain_event,
        COALESCE(NULLIF(user_id, ''), 'device:' || NULLIF(anonymous_id, '')) AS user_id,
        COALESCE(timestamp, original_timestamp) AS called_at,
        -- As in events.sql, a call without messageId has a hash as its id.
        COALESCE(
            message_id,
            MD5(CONCAT_WS('|', anonymous_id, user_id, original_timestamp, timestamp, context, properties))
        ) AS call_id,
        TRY(FROM_JSON(
            properties,
            '{"order_id": "VARCHAR", "currency": "VARCHAR", "discount": "VARCHAR", "shipping": "VARCHAR", "tax": "VARCHAR",
            "total": "VARCHAR",
            "products": [{"sku": "VARCHAR", "product_id": "VARCHAR", "quantity": "VARCHAR", "price": "VARCHAR"}]}'
        )) AS properties,
        batch_id,
        record_no
    FROM events
    WHERE
        type = 'track'
        AND LOWER(event) IN ('order completed', 'order updated', 'order cancelled', 'order refunded')
),

products AS (
    SELECT
        taken_apart.*,
        LIST_TRANSFORM(
            CASE WHEN LEN(properties.products) > 0 THEN properties.products ELSE [NULL] END,
            lambda product: {
                'sku': COALESCE(product.sku, product.product_id),
                'quantity': COALESCE(product.quantity, '1'),
                'price': product.price,
                'amount': TRY_CAST(COALESCE(product.quantity, '1') AS DOUBLE) * TRY_CAST(product.price AS DOUBLE)
            }
        ) AS products
    FROM taken_apart
),

sums AS (
    SELECT
        products.*,
        LIST_TRANSFORM(products, lambda product, place: LEN(LIST_FILTER(
            products, lambda other, other_place: other_place <= place AND other.sku = product.sku
        ))) AS repeat_nos,
        LIST_TRANSFORM(products, lambda product, place: LIST_SUM(LIST_TRANSFORM(
            products[1:place], lambda other: COALESCE(other.amount, 0)
        ))) AS amounts_so_far
    FROM products
)

SELECT
    sums.* EXCLUDE (properties, products, repeat_nos),
    properties.order_id AS order_id,
    properties.currency AS currency,
    properties.discount AS discount,
    properties.shipping AS shipping,
    properties.tax AS tax,
    properties.total AS total,
    LIST_TRANSFORM(
        products,
        lambda product, place: {
            'line_no': COALESCE(
                MD5_NUMBER_LOWER(
                    product.sku || CASE WHEN repeat_nos[place] > 1 THEN '|' || repeat_nos[place] ELSE '' END
                ) % 2000000000,
                0
            ),
            'sku': product.sku,
            'quantity': product.quantity,
            'price': product.price,
            'amount': product.amount
        }
    ) AS products
FROM sums
