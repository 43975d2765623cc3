-- The lines of the newest version of each order: its items, and shipping, tax and other amounts as lines of their own, so
-- that the lines add up to the order's total. source.yaml says what is shared over the lines and why.
WITH items AS (
    SELECT
        batch_id,
        order_id,
        entry_no,
        record_no,
        ROW_NUMBER() OVER (
            PARTITION BY batch_id, order_id, entry_no
            ORDER BY record_no
        ) AS line_no,
        CASE WHEN is_tip THEN '(tip)' ELSE sku END AS sku,
        is_tip,
        quantity,
        price,
        CASE WHEN is_readable THEN LEAST(discount_units, item_units) END AS discount_units,
        CASE WHEN is_readable THEN item_units - LEAST(discount_units, item_units) END AS net_units,
        is_readable,
        updated_at
    FROM order_entries
),

sums AS (
    SELECT
        batch_id,
        order_id,
        entry_no,
        COALESCE(SUM(net_units) FILTER (WHERE NOT is_tip), 0) AS goods,
        COALESCE(SUM(net_units) FILTER (WHERE is_tip), 0) AS tips,
        BOOL_AND(net_units % 100 = 0) AS is_in_cents
    FROM items
    WHERE is_readable
    GROUP BY batch_id, order_id, entry_no
),

bills AS (
    SELECT
        head.batch_id,
        head.order_id,
        head.entry_no,
        head.record_no,
        head.shipping_units AS shipping,
        head.refunded_units AS refunded,
        head.updated_at,
        LEAST(sums.goods, head.subtotal_units) AS goods,
        GREATEST(sums.goods - head.subtotal_units, 0) AS goods_discount,
        GREATEST(head.subtotal_units - sums.goods, 0) AS goods_short,
        sums.tips,
        head.tax_units AS taxes,
        head.total_units - head.subtotal_units - head.shipping_units - sums.tips AS rest,
        CASE
            WHEN
                sums.is_in_cents
                AND (head.subtotal_units % 100) + (head.shipping_units % 100) + (head.tax_units % 100)
                + (head.total_units % 100) + (head.refunded_units % 100) = 0
                THEN 100
            ELSE 1
        END AS smallest
    FROM order_entries AS head
    INNER JOIN sums USING (batch_id, order_id, entry_no)
    WHERE head.is_head
),

-- If the total is more than subtotal + shipping + tips, the excess is tax, up to Taxes, and the rest is (other). If it is
-- less, the difference is taken from (other), the shipping, the items and the tips, in this order.
surcharges AS (
    SELECT
        bills.* EXCLUDE (goods_short, taxes, rest),
        LEAST(GREATEST(rest, 0), taxes) AS tax,
        GREATEST(goods_short + GREATEST(rest - taxes, 0) - GREATEST(-rest, 0), 0) AS other,
        GREATEST(GREATEST(-rest, 0) - goods_short, 0) AS lacking
    FROM bills
),

reductions AS (
    SELECT
        surcharges.* EXCLUDE (goods_discount),
        LEAST(lacking, shipping) AS shipping_discount,
        goods_discount + LEAST(GREATEST(lacking - shipping, 0), goods) AS goods_discount,
        GREATEST(lacking - shipping - goods, 0) AS tip_discount
    FROM surcharges
),

weighted AS (
    SELECT
        items.*,
        reductions.smallest,
        CASE WHEN items.is_tip THEN reductions.tip_discount ELSE reductions.goods_discount END AS shared,
        SUM(items.net_units) OVER (
            PARTITION BY items.batch_id, items.order_id, items.entry_no, items.is_tip
        ) AS weights,
        SUM(items.net_units) OVER (
            PARTITION BY items.batch_id, items.order_id, items.entry_no, items.is_tip
            ORDER BY items.line_no
        ) AS weights_so_far
    FROM items
    INNER JOIN reductions USING (batch_id, order_id, entry_no)
),

-- The share of all lines up to this one is rounded; a line's share is the difference from the line before. So the shares
-- add up exactly, and none is larger than its line.
discounted AS (
    SELECT
        weighted.*,
        CASE
            WHEN weights = 0 THEN 0
            ELSE
                smallest * (
                    (2 * shared * weights_so_far + weights * smallest) // (2 * weights * smallest)
                    - (2 * shared * (weights_so_far - net_units) + weights * smallest) // (2 * weights * smallest)
                )
        END AS share
    FROM weighted
),

lines AS (
    SELECT
        batch_id,
        order_id,
        entry_no,
        record_no,
        line_no,
        sku,
        quantity,
        price,
        discount_units + share AS discount,
        net_units - share AS revenue
    FROM discounted
    UNION ALL
    SELECT
        reductions.batch_id,
        reductions.order_id,
        reductions.entry_no,
        reductions.record_no,
        extras.line_no,
        extras.sku,
        '1' AS quantity,
        CAST(CAST(extras.amount AS DECIMAL(18, 0)) * 0.0001 AS VARCHAR) AS price,
        extras.discount,
        extras.amount - extras.discount AS revenue
    FROM
        reductions,
        LATERAL (
            VALUES
            (10001, '(shipping)', reductions.shipping, reductions.shipping_discount),
            (10002, '(tax)', reductions.tax, 0),
            (10003, '(other)', reductions.other, 0)
        ) AS extras(line_no, sku, amount, discount)
    WHERE extras.amount > 0
),

refundable AS (
    SELECT
        lines.*,
        reductions.smallest,
        reductions.refunded,
        reductions.updated_at,
        SUM(lines.revenue) OVER (PARTITION BY lines.batch_id, lines.order_id, lines.entry_no) AS weights,
        SUM(lines.revenue) OVER (
            PARTITION BY lines.batch_id, lines.order_id, lines.entry_no
            ORDER BY lines.line_no
        ) AS weights_so_far
    FROM lines
    INNER JOIN reductions USING (batch_id, order_id, entry_no)
),

refunded AS (
    SELECT
        refundable.*,
        CASE
            WHEN weights > 0
                THEN
                    smallest * (
                        (2 * refunded * weights_so_far + weights * smallest) // (2 * weights * smallest)
                        - (2 * refunded * (weights_so_far - revenue) + weights * smallest) // (2 * weights * smallest)
                    )
            WHEN line_no = 1 THEN refunded
            ELSE 0
        END AS refund
    FROM refundable
)

SELECT
    order_id,
    line_no,
    sku,
    quantity,
    price AS unit_price,
    CAST(CAST(discount AS DECIMAL(18, 0)) * 0.0001 AS VARCHAR) AS discount,
    CAST(CAST(refund AS DECIMAL(18, 0)) * 0.0001 AS VARCHAR) AS refunded_amount,
    updated_at,
    batch_id,
    record_no
FROM refunded
UNION ALL
SELECT
    order_id,
    line_no,
    sku,
    quantity,
    price AS unit_price,
    'unknown' AS discount,
    NULL AS refunded_amount,
    NULL AS updated_at,
    batch_id,
    record_no
FROM items
WHERE NOT COALESCE(is_readable, FALSE)
