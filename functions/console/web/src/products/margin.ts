import type { Product } from '../api/records';

/** What is left of a product's price above its cost, as a share of the price; null where either is not known. */
export function marginOf({ price, cost }: Pick<Product, 'price' | 'cost'>): number | null {
  if (!price || !cost || price.currency !== cost.currency) return null;
  const [earned, spent] = [Number(price.amount), Number(cost.amount)];
  return earned > 0 ? (earned - spent) / earned : null;
}
