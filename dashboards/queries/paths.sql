-- How shoppers get to the cart.

-- query paths: Effective paths, with the carts and sales that they led to.
SELECT effective_path, METRICS(add_to_carts, order_lines, revenue, cart_to_order_rate, revenue_share)
FROM attribution.path_summary
WHERE dt BETWEEN $first AND $last
GROUP BY effective_path ORDER BY add_to_carts DESC, revenue DESC, effective_path;
