-- Cancellations as refunds of the order lines that they cancel.
--
-- For each customer, product and price the units form a stack: a sale puts units on it, a cancellation takes the units
-- from its top, which were bought last. If the stack is empty, the rest of the cancellation matches no sale. The height
-- of the stack after each line is a running sum that never falls below 0. A cancellation takes those units of a sale that
-- lie between the height after the cancellation and the lowest height since the sale.
WITH timed AS (
    SELECT
        lines.*,
        TRY_CAST(
            REGEXP_EXTRACT(invoice_date, '^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?$') AS TIMESTAMP
        ) AS invoiced_at
    FROM lines
),

movements AS (
    SELECT
        order_id,
        line_no,
        user_id,
        sku,
        price,
        units,
        ROW_NUMBER() OVER pile AS movement_no,
        SUM(units) OVER pile AS balance
    FROM timed
    WHERE
        batch_id = first_batch_id
        AND user_id IS NOT NULL
        AND price IS NOT NULL
        AND invoiced_at IS NOT NULL
        AND (kind = 'sale' AND is_paid AND units > 0 OR kind = 'cancellation' AND units < 0)
    -- Within the same minute, sales come before cancellations.
    WINDOW pile AS (
        PARTITION BY user_id, sku, price
        ORDER BY invoiced_at, kind DESC, order_id, line_no
    )
),

piles AS (
    SELECT
        *,
        balance - LEAST(MIN(balance) OVER (PARTITION BY user_id, sku, price ORDER BY movement_no), 0) AS height
    FROM movements
),

taken AS (
    SELECT
        cancelling.order_id AS cancelling_order_id,
        cancelling.line_no AS cancelling_line_no,
        sold.order_id,
        sold.line_no,
        COALESCE(
            LEAST(
                sold.height,
                MIN(cancelling.height) OVER (
                    PARTITION BY sold.order_id, sold.line_no
                    ORDER BY cancelling.movement_no
                    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
                )
            ),
            sold.height
        ) AS top,
        GREATEST(sold.height - sold.units, cancelling.height) AS bottom
    FROM piles AS sold
    INNER JOIN piles AS cancelling USING (user_id, sku, price)
    WHERE
        cancelling.movement_no > sold.movement_no
        AND sold.units > 0
        AND cancelling.units < 0
),

found AS (
    SELECT
        taken.* EXCLUDE (top, bottom),
        CAST(top - bottom AS BIGINT) AS units
    FROM taken
    WHERE top > bottom
),

rest AS (
    SELECT
        timed.order_id,
        timed.line_no,
        -ANY_VALUE(timed.units) - COALESCE(SUM(found.units), 0) AS units
    FROM timed
    LEFT JOIN found
        ON
            found.cancelling_order_id = timed.order_id
            AND found.cancelling_line_no = timed.line_no
    WHERE
        timed.kind = 'cancellation'
        AND timed.batch_id = timed.first_batch_id
    GROUP BY timed.order_id, timed.line_no
),

refunds AS (
    SELECT
        found.*,
        cancelling_order_id || '-' || cancelling_line_no || '-' || order_id || '-' || line_no AS refund_id
    FROM found
    UNION ALL
    SELECT
        order_id AS cancelling_order_id,
        line_no AS cancelling_line_no,
        order_id,
        line_no,
        CAST(units AS BIGINT) AS units,
        order_id || '-' || line_no AS refund_id
    FROM rest
    WHERE units IS DISTINCT FROM 0
)

SELECT
    refunds.refund_id,
    refunds.order_id,
    refunds.line_no,
    cancelled.invoice_date AS refunded_at,
    COALESCE(
        CAST(refunds.units * cancelled.price AS VARCHAR), cancelled.quantity || ' at ' || cancelled.unit_price
    ) AS amount,
    cancelled.batch_id,
    cancelled.record_no
FROM refunds
INNER JOIN timed AS cancelled
    ON
        cancelled.order_id = refunds.cancelling_order_id
        AND cancelled.line_no = refunds.cancelling_line_no
