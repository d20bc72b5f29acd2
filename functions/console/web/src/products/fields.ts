import type { TFunction } from 'i18next';

/** What a product's fields are called. */
export const productField = (t: TFunction) => (field: string): string =>
  ({
    name: t('products.name'),
    sku: t('products.sku'),
    category: t('products.category'),
    price: t('products.price'),
    cost: t('products.cost'),
    unit: t('products.unit'),
    stock: t('products.stock'),
    active: t('products.active'),
    tags: t('products.tags'),
    margin: t('products.margin'),
  })[field] ?? field;
