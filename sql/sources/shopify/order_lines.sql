-- The lines of the newest version of each order: its items, and shipping, tax and other amounts as lines of their own, so
-- that the lines add up to the order's total. source.yaml says what is shared over the lines and why.
WITH entries AS (
    SELECT
        COALESCE(TRIM(name), '') AS order_id,
        -- Only the first line of an order has its status and amounts.
        COUNT(COALESCE(NULLIF(financial_status, ''), NULLIF(subtotal, ''), NULLIF(total, ''))) OVER (
            PARTITION BY batch_id, TRIM(name)
            ORDER BY record_no
        ) AS entry_no,
        COALESCE(NULLIF(financial_status, ''), NULLIF(subtotal, ''), NULLIF(total, '')) IS NOT NULL AS is_head,
        LOWER(TRIM(financial_status)) AS financial_status,
        COALESCE(NULLIF(LOWER(TRIM(email)), ''), NULLIF(REGEXP_REPLACE(phone, '[^0-9+]', '', 'g'), '')) AS contact,
        NULLIF(TRIM(currency), '') AS currency,
        NULLIF(TRIM(created_at), '') AS created_at,
        NULLIF(TRIM(paid_at), '') AS paid_at,
        NULLIF(TRIM(fulfilled_at), '') AS fulfilled_at,
        NULLIF(TRIM(cancelled_at), '') AS cancelled_at,
        NULLIF(TRIM(exported_at), '') AS exported_at,
        TRIM(subtotal) AS subtotal,
        COALESCE(NULLIF(TRIM(shipping), ''), '0') AS shipping,
        COALESCE(NULLIF(TRIM(taxes), ''), '0') AS taxes,
        TRIM(total) AS total,
        COALESCE(NULLIF(TRIM(refunded_amount), ''), '0') AS refunded_amount,
        TRIM(lineitem_quantity) AS quantity,
        TRIM(lineitem_price) AS price,
        COALESCE(NULLIF(TRIM(lineitem_discount), ''), '0') AS discount,
        COALESCE(NULLIF(REGEXP_REPLACE(TRIM(lineitem_sku), '^''', ''), ''), NULLIF(TRIM(lineitem_name), '')) AS sku,
        LOWER(TRIM(lineitem_name)) = 'tip' AND COALESCE(TRIM(lineitem_sku), '') = '' AS is_tip,
        batch_id,
        record_no
    FROM orders
),

-- Amounts are whole numbers of ten-thousandths, so that they can be shared without rounding errors.
parsed AS (
    SELECT
        entries.*,
        TRY_CAST(REGEXP_REPLACE(created_at, '^([0-9]{4}-.*) ([+-]..):?(..)$', '\1\2:\3') AS TIMESTAMPTZ) AS created,
        TRY_CAST(REGEXP_REPLACE(paid_at, '^([0-9]{4}-.*) ([+-]..):?(..)$', '\1\2:\3') AS TIMESTAMPTZ) AS paid,
        TRY_CAST(REGEXP_REPLACE(fulfilled_at, '^([0-9]{4}-.*) ([+-]..):?(..)$', '\1\2:\3') AS TIMESTAMPTZ) AS fulfilled,
        TRY_CAST(REGEXP_REPLACE(cancelled_at, '^([0-9]{4}-.*) ([+-]..):?(..)$', '\1\2:\3') AS TIMESTAMPTZ) AS cancelled,
        TRY_CAST(REGEXP_REPLACE(exported_at, '^([0-9]{4}-.*) ([+-]..):?(..)$', '\1\2:\3') AS TIMESTAMPTZ) AS exported,
        CASE financial_status
            WHEN 'paid' THEN 'paid'
            WHEN 'partially_refunded' THEN 'paid'
            WHEN 'refunded' THEN 'refunded'
            WHEN 'pending' THEN 'unpaid'
            WHEN 'authorized' THEN 'unpaid'
            WHEN 'partially_paid' THEN 'unpaid'
            WHEN 'unpaid' THEN 'unpaid'
            WHEN 'expired' THEN 'unpaid'
            WHEN 'voided' THEN 'cancelled'
        END AS status,
        CAST(
            TRY_CAST(REGEXP_EXTRACT(subtotal, '^[0-9]{1,12}([.][0-9]{1,4})?$') AS DECIMAL(28, 4)) * 10000 AS HUGEINT
        ) AS subtotal_units,
        CAST(
            TRY_CAST(REGEXP_EXTRACT(shipping, '^[0-9]{1,12}([.][0-9]{1,4})?$') AS DECIMAL(28, 4)) * 10000 AS HUGEINT
        ) AS shipping_units,
        CAST(
            TRY_CAST(REGEXP_EXTRACT(taxes, '^[0-9]{1,12}([.][0-9]{1,4})?$') AS DECIMAL(28, 4)) * 10000 AS HUGEINT
        ) AS tax_units,
        CAST(
            TRY_CAST(REGEXP_EXTRACT(total, '^[0-9]{1,12}([.][0-9]{1,4})?$') AS DECIMAL(28, 4)) * 10000 AS HUGEINT
        ) AS total_units,
        CAST(
            TRY_CAST(REGEXP_EXTRACT(refunded_amount, '^[0-9]{1,12}([.][0-9]{1,4})?$') AS DECIMAL(28, 4)) * 10000
            AS HUGEINT
        ) AS refunded_units,
        TRY_CAST(REGEXP_EXTRACT(quantity, '^[0-9]{1,9}$') AS HUGEINT) * CAST(
            TRY_CAST(REGEXP_EXTRACT(price, '^[0-9]{1,12}([.][0-9]{1,4})?$') AS DECIMAL(28, 4)) * 10000 AS HUGEINT
        ) AS item_units,
        CAST(
            TRY_CAST(REGEXP_EXTRACT(discount, '^[0-9]{1,12}([.][0-9]{1,4})?$') AS DECIMAL(28, 4)) * 10000 AS HUGEINT
        ) AS discount_units
    FROM entries
),

checked AS (
    SELECT
        parsed.*,
        order_id <> ''
        AND status IS NOT NULL
        AND created IS NOT NULL
        AND (paid_at IS NULL OR paid IS NOT NULL)
        AND (currency IS NULL OR REGEXP_MATCHES(currency, '^[A-Za-z]{3}$')) AS has_sound_order,
        (fulfilled_at IS NULL OR fulfilled IS NOT NULL)
        AND (cancelled_at IS NULL OR cancelled IS NOT NULL)
        AND (exported_at IS NULL OR exported IS NOT NULL) AS has_sound_times,
        subtotal_units + shipping_units + tax_units + total_units + refunded_units IS NOT NULL AS has_sound_amounts,
        item_units + discount_units IS NOT NULL AND sku IS NOT NULL AS has_sound_item,
        GREATEST(created, paid, fulfilled, cancelled) AS known_at,
        MAX(GREATEST(created, paid, fulfilled, cancelled, exported)) OVER (PARTITION BY batch_id) AS export_at,
        CAST(
            ROW(
                financial_status, contact, currency, created_at, paid_at, fulfilled_at, cancelled_at, subtotal, shipping,
                taxes, total, refunded_amount, quantity, price, discount, sku, is_tip
            ) AS VARCHAR
        ) AS content
    FROM parsed
),

versions AS (
    SELECT
        batch_id,
        order_id,
        entry_no,
        MD5(STRING_AGG(content, CHR(10) ORDER BY record_no)) AS content,
        BOOL_OR(is_head)
        AND BOOL_AND(has_sound_item AND (NOT is_head OR has_sound_order AND has_sound_times AND has_sound_amounts))
        AND SUM(item_units) < 10000 * 1000000000000 AS is_readable,
        MAX(refunded_units) FILTER (WHERE is_head) AS refunded_units,
        MAX(known_at) FILTER (WHERE is_head) AS known_at,
        MAX(export_at) AS export_at
    FROM checked
    GROUP BY batch_id, order_id, entry_no
),

newest AS (
    SELECT
        order_id,
        MAX_BY(content, (refunded_units, export_at, content)) AS content,
        CASE
            WHEN MIN(refunded_units) < MAX(refunded_units)
                THEN MIN_BY(export_at, (-refunded_units, export_at))
            ELSE MAX_BY(known_at, (refunded_units, export_at, content))
        END AS updated_at
    FROM versions
    WHERE is_readable
    GROUP BY order_id
),

-- Unreadable versions are passed on, so that they are quarantined with the reasons.
chosen AS (
    SELECT
        versions.batch_id,
        versions.order_id,
        versions.entry_no,
        versions.is_readable,
        CASE WHEN versions.is_readable THEN CAST(newest.updated_at AS VARCHAR) END AS updated_at
    FROM versions
    LEFT JOIN newest USING (order_id)
    WHERE
        NOT COALESCE(versions.is_readable, FALSE)
        OR versions.content = newest.content
),

items AS (
    SELECT
        checked.batch_id,
        checked.order_id,
        checked.entry_no,
        checked.record_no,
        ROW_NUMBER() OVER (
            PARTITION BY checked.batch_id, checked.order_id, checked.entry_no
            ORDER BY checked.record_no
        ) AS line_no,
        CASE WHEN checked.is_tip THEN '(tip)' ELSE checked.sku END AS sku,
        checked.is_tip,
        checked.quantity,
        checked.price,
        CASE
            WHEN chosen.is_readable THEN LEAST(checked.discount_units, checked.item_units)
        END AS discount_units,
        CASE
            WHEN chosen.is_readable THEN checked.item_units - LEAST(checked.discount_units, checked.item_units)
        END AS net_units,
        chosen.is_readable,
        chosen.updated_at
    FROM checked
    INNER JOIN chosen USING (batch_id, order_id, entry_no)
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
        checked.batch_id,
        checked.order_id,
        checked.entry_no,
        checked.record_no,
        checked.shipping_units AS shipping,
        checked.refunded_units AS refunded,
        LEAST(sums.goods, checked.subtotal_units) AS goods,
        GREATEST(sums.goods - checked.subtotal_units, 0) AS goods_discount,
        GREATEST(checked.subtotal_units - sums.goods, 0) AS goods_short,
        sums.tips,
        checked.tax_units AS taxes,
        checked.total_units - checked.subtotal_units - checked.shipping_units - sums.tips AS rest,
        CASE
            WHEN
                sums.is_in_cents
                AND (checked.subtotal_units % 100) + (checked.shipping_units % 100) + (checked.tax_units % 100)
                + (checked.total_units % 100) + (checked.refunded_units % 100) = 0
                THEN 100
            ELSE 1
        END AS smallest
    FROM checked
    INNER JOIN sums USING (batch_id, order_id, entry_no)
    WHERE checked.is_head
),

-- What the total has above subtotal, shipping and tips is tax, then other; what it lacks is taken from other amounts, the
-- shipping, the items and the tips, in this order.
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
    refunded.order_id,
    refunded.line_no,
    refunded.sku,
    refunded.quantity,
    refunded.price AS unit_price,
    CAST(CAST(refunded.discount AS DECIMAL(18, 0)) * 0.0001 AS VARCHAR) AS discount,
    CAST(CAST(refunded.refund AS DECIMAL(18, 0)) * 0.0001 AS VARCHAR) AS refunded_amount,
    chosen.updated_at,
    refunded.batch_id,
    refunded.record_no
FROM refunded
INNER JOIN chosen USING (batch_id, order_id, entry_no)
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
