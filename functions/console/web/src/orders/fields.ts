import type { TFunction } from 'i18next';

/** What an order's fields are called. */
export const orderField = (t: TFunction) => (field: string): string =>
  ({
    number: t('orders.number'),
    contact_id: t('orders.customer'),
    company_id: t('orders.company'),
    placed_on: t('orders.placedOn'),
    fulfilled_on: t('orders.fulfilledOn'),
    cancelled_on: t('orders.cancelledOn'),
    returned_on: t('orders.returnedOn'),
    reason: t('orders.reason'),
    status: t('orders.status'),
    payment_status: t('orders.paymentStatus'),
    currency: t('orders.currency'),
    channel: t('orders.channel'),
    owner_id: t('orders.owner'),
    tags: t('orders.tags'),
    lines: t('orders.lines'),
    tax_inclusive: t('orders.taxInclusive'),
    shipping: t('orders.shipping'),
    rounding: t('orders.rounding'),
    subtotal: t('orders.subtotal'),
    tax: t('orders.tax'),
    total: t('orders.total'),
    paid: t('orders.paid'),
    refunded: t('orders.refunded'),
    balance: t('orders.balance'),
    payments: t('orders.payments'),
    historic: t('orders.historic'),
  })[field] ?? field;
