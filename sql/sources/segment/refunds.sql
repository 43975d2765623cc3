-- One refund for each product of Order Refunded; it refunds the order line with the same number. A total is shared over the
-- products to the cent. A refund without products names no line, so it has line number 0.
WITH refunds AS (
    SELECT
        order_calls.*,
        TRY_CAST(total AS DECIMAL(18, 4)) AS total_amount
    FROM order_calls
    WHERE plain_event = 'order refunded'
),

parts AS (
    SELECT
        refunds.* EXCLUDE (products, amounts_so_far),
        UNNEST(
            LIST_TRANSFORM(
                products,
                lambda product, place: {
                    'line_no': product.line_no,
                    'amount': CASE
                        WHEN total IS NULL
                            THEN COALESCE(CAST(TRY_CAST(product.amount AS DECIMAL(18, 4)) AS VARCHAR), product.price)
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
        ) AS part
    FROM refunds
)

SELECT
    call_id AS refund_id,
    order_id,
    CAST(part.line_no AS INTEGER) AS line_no,
    called_at AS refunded_at,
    part.amount AS amount,
    called_at AS updated_at,
    batch_id,
    record_no
FROM parts
