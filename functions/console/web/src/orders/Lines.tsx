import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Order } from '../api/records';
import { useFormats } from '../ui/format';
import { inCurrency, isNegative, isPositive, type Line } from './api';
import classes from './Lines.module.css';
import { percentOf } from './totals';

/** The lines of an order and what they come to. `brief` leaves out what a narrow place has no room for. */
export function Lines({ order, brief, links = true }: { order: Order; brief?: boolean; links?: boolean }) {
  const { t } = useTranslation();
  const format = useFormats();
  const money = (amount: string) => format.money(inCurrency(order, amount));
  const discounts = order.lines.some((line) => line.discount);
  const taxes = order.lines.some((line) => line.tax);
  const span = 4 + (brief ? -1 : 0) + (!brief && discounts ? 1 : 0) + (!brief && taxes ? 1 : 0);
  const sums: Array<[string, string, boolean]> = [
    [t('orders.subtotal'), order.subtotal, true],
    [order.tax_inclusive ? t('orders.taxIncluded') : t('orders.tax'), order.tax, taxes],
    [t('orders.shipping'), order.shipping, isPositive(order.shipping)],
    [t('orders.rounding'), order.rounding, isPositive(order.rounding) || isNegative(order.rounding)],
  ];
  return (
    <table className={classes.table}>
      <thead>
        <tr>
          <th scope="col">{t('orders.grid.name')}</th>
          <th scope="col" data-end>{t('orders.grid.quantity')}</th>
          {!brief && <th scope="col" data-end>{t('orders.grid.price')}</th>}
          {!brief && discounts && <th scope="col" data-end>{t('orders.grid.discount')}</th>}
          {!brief && taxes && <th scope="col" data-end>{t('orders.grid.tax')}</th>}
          <th scope="col" data-end>{t('orders.grid.amount')}</th>
        </tr>
      </thead>
      <tbody>
        {order.lines.map((line, row) => (
          <tr key={row}>
            <td>
              {line.product_id && links ? <Link to={`/products/${line.product_id}`}>{line.name}</Link> : line.name}
              {line.sku && <div className="label">{line.sku}</div>}
            </td>
            <td data-end>{format.number(Number(line.quantity), { maximumFractionDigits: 6 })}</td>
            {!brief && <td data-end>{money(line.unit_price ?? '0')}</td>}
            {!brief && discounts && <td data-end>{discountOf(line, money)}</td>}
            {!brief && taxes && <td data-end>{line.tax?.rate ? `${percentOf(line.tax.rate)}%` : line.tax?.amount ? money(line.tax.amount) : ''}</td>}
            <td data-end>{money(line.amount)}</td>
          </tr>
        ))}
        {order.lines.length === 0 && <tr><td colSpan={span} className="soft">{t('orders.noLines')}</td></tr>}
      </tbody>
      <tfoot>
        {sums.map(([label, amount, shown]) => shown && (
          <tr key={label}>
            <th scope="row" colSpan={span - 1}>{label}</th>
            <td data-end>{money(amount)}</td>
          </tr>
        ))}
        <tr data-strong>
          <th scope="row" colSpan={span - 1}>{t('orders.total')}</th>
          <td data-end>{money(order.total)}</td>
        </tr>
        {isPositive(order.paid) && (
          <tr>
            <th scope="row" colSpan={span - 1}>{t('orders.paid')}</th>
            <td data-end>{money(order.paid)}</td>
          </tr>
        )}
        {order.status !== 'draft' && /[1-9]/.test(order.balance) && (
          <tr data-strong>
            <th scope="row" colSpan={span - 1}>{isNegative(order.balance) ? t('orders.owed') : t('orders.balance')}</th>
            <td data-end>{money(order.balance.replace('-', ''))}</td>
          </tr>
        )}
      </tfoot>
    </table>
  );
}

const discountOf = (line: Line, money: (amount: string) => string) =>
  line.discount?.percent ? `${line.discount.percent}%` : line.discount?.amount ? money(line.discount.amount) : '';
