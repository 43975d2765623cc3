/* model
description: >
  Every line of a paid order with the add-to-cart (else product click) of the same person and product that it came
  from, the latest within the cart window, and that event's entrance.
grain: [order_id, line_no]
partition: dt
reads: {attribution.attributed_events: cart_window_days + max_payment_delay_days + 1}
columns:
  order_id: {type: VARCHAR, description: order}
  line_no: {type: INTEGER, description: line within the order}
  person_id: {type: VARCHAR, description: "the order's user; null = not known"}
  sku: {type: VARCHAR, description: product}
  quantity: {type: INTEGER, description: units}
  revenue: {type: "DECIMAL(18,4)", description: "quantity × unit_price − discount, reporting currency"}
  net_revenue: {type: "DECIMAL(18,4)", description: revenue − refunds so far}
  margin: {type: "DECIMAL(18,4)", description: net_revenue − cost; null where the cost is unknown}
  ordered_at: {type: TIMESTAMP, description: "time of ordering, UTC"}
  paid_at: {type: TIMESTAMP, description: "time of payment, UTC"}
  matched_by: {type: VARCHAR, description: "cart, click or none"}
  matched_event_id: {type: VARCHAR, description: "the add-to-cart or click; null = none"}
  entrance_id: {type: VARCHAR, description: "entrance of the matched event; '(unattributed)' without one"}
  head_event_id: {type: VARCHAR, description: its head}
  head_page_type: {type: VARCHAR, description: "page of its head; '(none)' if none"}
  head_module: {type: VARCHAR, description: "module of its head; '(none)' if none"}
  head_slot: {type: INTEGER, description: slot of its head; 0 if none}
  head_content_id: {type: VARCHAR, description: "content of its head; '(none)' if none"}
  dt: {type: DATE, description: business day of payment}
*/
WITH sales AS (
    SELECT
        order_id,
        line_no,
        user_id AS person_id,
        sku,
        quantity,
        revenue,
        net_revenue,
        margin,
        ordered_at,
        paid_at,
        -- What was put into the cart after payment did not lead to it, whatever the order's clock says.
        LEAST(ordered_at, paid_at) AS match_until,
        dt
    FROM core.order_lines
    WHERE dt BETWEEN $from_dt AND $to_dt
),

sold AS (
    SELECT DISTINCT
        person_id,
        sku
    FROM sales
),

candidates AS (
    SELECT
        events.event_id,
        events.end_type,
        events.person_id,
        events.sku,
        events.occurred_at,
        events.page_id,
        events.entrance_id,
        events.head_event_id,
        events.head_page_type,
        events.head_module,
        events.head_slot,
        events.head_content_id,
        events.dt
    FROM attribution.attributed_events AS events
    SEMI JOIN sold
        ON
            sold.person_id = events.person_id
            AND sold.sku = events.sku
    WHERE
        events.dt BETWEEN $from_dt - ($cart_window_days + $max_payment_delay_days + 1) AND $to_dt
        AND events.end_type IN ('add_to_cart', 'click')
),

-- Candidates and sales of one person and product in one order of time: the last candidate before a sale is its
-- match, if it is not too old. No pair of them is ever built.
timeline AS (
    SELECT
        person_id,
        sku,
        occurred_at AS at,
        0 AS is_sale,
        page_id,
        event_id,
        CAST(NULL AS VARCHAR) AS order_id,
        CAST(NULL AS INTEGER) AS line_no,
        CASE WHEN end_type = 'add_to_cart' THEN event_id END AS cart_event_id,
        CASE WHEN end_type = 'click' THEN event_id END AS click_event_id
    FROM candidates
    UNION ALL
    SELECT
        person_id,
        sku,
        match_until AS at,
        1 AS is_sale,
        CAST(NULL AS BIGINT) AS page_id,
        CAST(NULL AS VARCHAR) AS event_id,
        order_id,
        line_no,
        CAST(NULL AS VARCHAR) AS cart_event_id,
        CAST(NULL AS VARCHAR) AS click_event_id
    FROM sales
    WHERE person_id IS NOT NULL
),

nearest AS (
    SELECT
        is_sale,
        order_id,
        line_no,
        LAST_VALUE(cart_event_id IGNORE NULLS) OVER (
            PARTITION BY person_id, sku
            ORDER BY at, is_sale, page_id, event_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS cart_event_id,
        LAST_VALUE(click_event_id IGNORE NULLS) OVER (
            PARTITION BY person_id, sku
            ORDER BY at, is_sale, page_id, event_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS click_event_id
    FROM timeline
),

matched AS (
    SELECT
        sales.order_id,
        sales.line_no,
        CASE
            WHEN carts.event_id IS NOT NULL THEN 'cart'
            WHEN clicks.event_id IS NOT NULL THEN 'click'
            ELSE 'none'
        END AS matched_by,
        COALESCE(carts.event_id, clicks.event_id) AS matched_event_id
    FROM sales
    LEFT JOIN nearest
        ON
            nearest.order_id = sales.order_id
            AND nearest.line_no = sales.line_no
            AND nearest.is_sale = 1
    LEFT JOIN candidates AS carts
        ON
            carts.event_id = nearest.cart_event_id
            AND carts.occurred_at >= sales.ordered_at - $cart_window_days * INTERVAL '1' DAY
            AND DATE_DIFF('day', carts.dt, sales.dt) <= $cart_window_days + $max_payment_delay_days + 1
    LEFT JOIN candidates AS clicks
        ON
            clicks.event_id = nearest.click_event_id
            AND clicks.occurred_at >= sales.ordered_at - $cart_window_days * INTERVAL '1' DAY
            AND DATE_DIFF('day', clicks.dt, sales.dt) <= $cart_window_days + $max_payment_delay_days + 1
)

SELECT
    sales.order_id,
    sales.line_no,
    sales.person_id,
    sales.sku,
    sales.quantity,
    sales.revenue,
    sales.net_revenue,
    sales.margin,
    sales.ordered_at,
    sales.paid_at,
    matched.matched_by,
    matched.matched_event_id,
    COALESCE(candidates.entrance_id, '(unattributed)') AS entrance_id,
    candidates.head_event_id,
    COALESCE(candidates.head_page_type, '(none)') AS head_page_type,
    COALESCE(candidates.head_module, '(none)') AS head_module,
    COALESCE(candidates.head_slot, 0) AS head_slot,
    COALESCE(candidates.head_content_id, '(none)') AS head_content_id,
    sales.dt
FROM sales
INNER JOIN matched
    ON
        matched.order_id = sales.order_id
        AND matched.line_no = sales.line_no
LEFT JOIN candidates ON candidates.event_id = matched.matched_event_id
