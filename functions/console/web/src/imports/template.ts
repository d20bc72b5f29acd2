import type { ImportKind } from './api';

/** A small file of each kind, to be filled in: headings that are understood, and a row or two. */
const ROWS: Record<ImportKind, string[][]> = {
  contacts: [
    ['name', 'email', 'phone', 'title', 'street', 'postal code', 'city', 'country', 'tags', 'external_id'],
    ['Ada Example', 'ada@customer.example', '+44 20 7946 0000', 'Buyer', '1 Sample Street', 'N1 9GU', 'London', 'GB', 'wholesale; newsletter', 'C-1001'],
    ['李雷', 'lilei@customer.example', '+86 138 0013 8000', '采购', '', '', '上海', 'CN', '', 'C-1002'],
  ],
  companies: [
    ['name', 'industry', 'website', 'email', 'phone', 'tax_id', 'country', 'credit_limit', 'currency', 'terms_days', 'external_id'],
    ['Example Hotels', 'Hospitality', 'https://hotels.example', 'office@hotels.example', '+44 20 7946 0001', 'GB000000000', 'GB', '5000.00', 'GBP', '30', 'K-17'],
  ],
  leads: [
    ['name', 'company_name', 'email', 'phone', 'source', 'status', 'value', 'currency', 'note'],
    ['Grace Sample', 'Sample Cafés', 'grace@sample.example', '+44 20 7946 0002', 'fair', 'new', '1200.00', 'GBP', 'Wants a tasting in June'],
  ],
  products: [
    ['sku', 'name', 'category', 'price', 'cost', 'currency', 'unit', 'stock', 'active'],
    ['TEA-100', 'Green tea, 100 g', 'Tea', '7.50', '3.10', 'GBP', 'bag', '120', 'yes'],
  ],
  orders: [
    ['number', 'placed_on', 'customer_email', 'customer_name', 'sku', 'product_name', 'quantity', 'unit_price', 'currency', 'status', 'paid'],
    ['A-501', '2026-10-02', 'ada@customer.example', 'Ada Example', 'TEA-100', 'Green tea, 100 g', '4', '7.50', 'GBP', 'fulfilled', 'yes'],
    ['A-501', '2026-10-02', 'ada@customer.example', 'Ada Example', '', 'Gift wrapping', '1', '2.00', 'GBP', 'fulfilled', 'yes'],
    ['A-502', '2026-10-03', 'lilei@customer.example', '李雷', 'TEA-100', 'Green tea, 100 g', '10', '7.50', 'GBP', 'placed', '20.00'],
  ],
};

const quoted = (cell: string) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

/** As CSV that spreadsheets open with the right letters. */
export const templateOf = (kind: ImportKind): string => `\ufeff${ROWS[kind].map((row) => row.map(quoted).join(',')).join('\r\n')}\r\n`;
