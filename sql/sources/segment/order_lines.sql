-- One line for each product of an order, and one for its shipping and its tax. The discount of the order is shared over the
-- products: the share of all products up to one is rounded to the cent, and a product's share is the difference from the
-- product before.
WITH taken_apart AS (
    SELECT
        COALESCE(timestamp, original_timestamp) AS called_at,
        TRY(FROM_JSON(
            properties,
            '{"order_id": "VARCHAR", "discount": "VARCHAR", "shipping": "VARCHAR", "tax": "VARCHAR",
            "products": [{"sku": "VARCHAR", "product_id": "VARCHAR", "quantity": "VARCHAR", "price": "VARCHAR"}]}'
        )) AS properties,
        batch_id,
        record_no
    FROM events
    WHERE
        type = 'track'
        AND LOWER(event) IN ('order completed', 'order updated')
),

products AS (
    SELECT
        called_at,
        properties.order_id AS order_id,
        properties.discount AS discount,
        TRY_CAST(properties.discount AS DECIMAL(18, 4)) AS discount_amount,
        properties.shipping AS shipping,
        properties.tax AS tax,
        -- An order without products has a line without a sku, so that it is quarantined.
        LIST_TRANSFORM(
            CASE WHEN LEN(properties.products) > 0 THEN properties.products ELSE [NULL] END,
            lambda product: {
                'sku': COALESCE(product.sku, product.product_id),
                'quantity': COALESCE(product.quantity, '1'),
                'price': product.price,
                'amount': COALESCE(
                    TRY_CAST(COALESCE(product.quantity, '1') AS DOUBLE) * TRY_CAST(product.price AS DOUBLE), 0
                )
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
            products[1:place], lambda other: other.amount
        ))) AS amounts_so_far
    FROM products
),

lines AS (
    SELECT
        sums.* EXCLUDE (products, amounts_so_far),
        UNNEST(
            LIST_TRANSFORM(
                products,
                lambda product, place: {
                    'sku': product.sku,
                    'repeat_no': LEN(LIST_FILTER(
                        products,
                        lambda other, other_place: other_place <= place AND other.sku = product.sku
                    )),
                    'quantity': product.quantity,
                    'price': product.price,
                    'discount': CASE
                        WHEN discount_amount IS NULL THEN discount
                        WHEN amounts_so_far[-1] = 0 THEN CASE WHEN place = 1 THEN discount ELSE '0' END
                        ELSE COALESCE(CAST(
                            TRY_CAST(ROUND(discount_amount * amounts_so_far[place] / amounts_so_far[-1], 2) AS DECIMAL(18, 2))
                            - TRY_CAST(ROUND(
                                discount_amount * COALESCE(amounts_so_far[place - 1], 0) / amounts_so_far[-1], 2
                            ) AS DECIMAL(18, 2)) AS VARCHAR
                        ), 'unknown')
                    END
                }
            )
            || CASE
                WHEN TRY_CAST(shipping AS DOUBLE) = 0 OR shipping IS NULL THEN []
                ELSE [{'sku': '(shipping)', 'repeat_no': 1, 'quantity': '1', 'price': shipping, 'discount': '0'}]
            END
            || CASE
                WHEN TRY_CAST(tax AS DOUBLE) = 0 OR tax IS NULL THEN []
                ELSE [{'sku': '(tax)', 'repeat_no': 1, 'quantity': '1', 'price': tax, 'discount': '0'}]
            END
        ) AS line
    FROM sums
)

SELECT
    order_id,
    CAST(
        COALESCE(
            MD5_NUMBER_LOWER(line.sku || CASE WHEN line.repeat_no > 1 THEN '|' || line.repeat_no ELSE '' END) % 2000000000,
            0
        ) AS INTEGER
    ) AS line_no,
    line.sku AS sku,
    line.quantity AS quantity,
    line.price AS unit_price,
    line.discount AS discount,
    called_at AS updated_at,
    batch_id,
    record_no
FROM lines
