/* check
model: core.products
severity: warn
description: A product that is the parent_sku of another product has no parent_sku itself. Headwater follows only one level, so the figures of a deeper hierarchy are split between two product_ids.
remedy: Set parent_sku of each variant to the product at the top, and leave it empty for that product.
*/
SELECT
    parents.sku AS parent_sku,
    parents.parent_sku AS its_parent_sku,
    COUNT(*) AS variants,
    MIN(variants.sku) AS first_variant
FROM core.products AS variants
INNER JOIN core.products AS parents ON parents.sku = variants.parent_sku
WHERE
    parents.product_id <> parents.sku
    AND variants.sku <> parents.sku
GROUP BY parents.sku, parents.parent_sku
