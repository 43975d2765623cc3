-- One line for each product of an order, and one for its shipping and its tax. The discount of the order is shared over the
-- products so that the shares add up exactly: the discount of the first n products together is rounded to the cent, and
-- product n gets what this adds to that of the products before it. An order without products has a line without a sku, so
-- that it is quarantined.
WITH discounted AS (
    SELECT
        order_calls.*,
        TRY_CAST(discount AS DECIMAL(18, 4)) AS discount_amount
    FROM order_calls
    WHERE plain_event IN ('order completed', 'order updated')
),

lines AS (
    SELECT
        discounted.* EXCLUDE (products, amounts_so_far),
        UNNEST(
            LIST_TRANSFORM(
                products,
                lambda product, place: {
                    'line_no': product.line_no,
                    'sku': product.sku,
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
            || LIST_TRANSFORM(
                LIST_FILTER(
                    [{'sku': '(shipping)', 'price': shipping}, {'sku': '(tax)', 'price': tax}],
                    lambda extra: extra.price IS NOT NULL AND TRY_CAST(extra.price AS DOUBLE) IS DISTINCT FROM 0
                ),
                lambda extra: {
                    'line_no': MD5_NUMBER_LOWER(extra.sku) % 2000000000,
                    'sku': extra.sku,
                    'quantity': '1',
                    'price': extra.price,
                    'discount': '0'
                }
            )
        ) AS line
    FROM discounted
)

SELECT
    order_id,
    CAST(line.line_no AS INTEGER) AS line_no,
    line.sku AS sku,
    line.quantity AS quantity,
    line.price AS unit_price,
    line.discount AS discount,
    called_at AS updated_at,
    batch_id,
    record_no
FROM lines
