import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { answer, api } from '../api/client';
import { useGrowing } from '../api/records';
import type { components } from '../api/schema.gen';
import { useFormats } from '../ui/format';
import { ErrorState, Loading } from '../ui/states';
import classes from './products.module.css';

type Row = components['schemas']['ReportRow'];
type Numbers = Record<string, components['schemas']['ReportNumber']>;
type Report = components['schemas']['Report'];

/** One report for all products, which the pages of all of them share. */
const useReport = (name: 'product-sales' | 'product-margin') =>
  useQuery({
    queryKey: ['reports', name, 'products'],
    queryFn: () => answer(api.GET('/v1/reports/{name}', { params: { path: { name }, query: { limit: 200 } } })) as Promise<Report>,
    staleTime: 120_000,
  });

/** What a product brought in the last twelve months, and the orders behind it. */
export function Sales({ id }: { id: string }) {
  const { t } = useTranslation();
  const format = useFormats();
  const sales = useReport('product-sales');
  const margins = useReport('product-margin');
  if (sales.error) return <ErrorState error={sales.error} retry={() => void sales.refetch()} />;
  if (!sales.data) return <Loading lines={4} />;
  const parts = sales.data.parts.flatMap((part) => {
    const group = part.groups.find(({ key }) => key === id);
    const margin = margins.data?.parts.find(({ currency }) => currency === part.currency)?.groups.find(({ key }) => key === id);
    return group ? [{ currency: part.currency ?? format.currency, numbers: { ...group.numbers, ...margin?.numbers } as Numbers }] : [];
  });
  const period = t('products.sales.period', { from: format.day(sales.data.from), to: format.day(sales.data.to) });
  if (parts.length === 0) return <p className="soft">{t('products.sales.none')} {period}</p>;
  return (
    <>
      {parts.map(({ currency, numbers }) => {
        const value = (name: string) => numbers[name]?.value;
        const figures: Array<[string, string | null | undefined]> = [
          [t('products.sales.revenue'), value('revenue') && format.money({ amount: value('revenue')!, currency })],
          [t('products.sales.quantity'), value('quantity') && format.number(Number(value('quantity')))],
          [t('products.sales.orders'), value('orders') && format.number(Number(value('orders')))],
          [t('products.sales.share'), value('share') && format.percent(Number(value('share')), 1)],
          [t('products.sales.margin'), value('margin') && format.money({ amount: value('margin')!, currency })],
          [t('products.margin'), value('margin_rate') && format.percent(Number(value('margin_rate')), 1)],
        ];
        return (
          <div key={currency}>
            <dl className={classes.figures}>
              {figures.map(([label, shown]) => shown && (
                <div key={label}>
                  <dt>{label}</dt>
                  <dd>{shown}</dd>
                </div>
              ))}
            </dl>
            <p className="label">{period}</p>
            {numbers.revenue?.rows && <Orders path={numbers.revenue.rows} currency={currency} />}
          </div>
        );
      })}
    </>
  );
}

/** The orders behind a figure, as the report gives them. */
function Orders({ path, currency }: { path: string; currency: string }) {
  const { t } = useTranslation();
  const format = useFormats();
  const url = new URL(path, location.origin);
  const list = useGrowing<Row>(['reports', 'rows', path], url.pathname, { ...Object.fromEntries(url.searchParams), limit: 100 });
  if (list.error) return <ErrorState error={list.error} retry={list.retry} />;
  if (list.loading) return <Loading lines={4} />;
  return (
    <>
      <h2 className={classes.title}>{t('products.sales.list')}</h2>
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col">{t('products.sales.order')}</th>
            <th scope="col">{t('products.sales.day')}</th>
            <th scope="col" data-end>{t('products.sales.revenue')}</th>
          </tr>
        </thead>
        <tbody>
          {list.rows.map((row) => (
            <tr key={row.record}>
              <td><Link to={`/orders/${row.record}`}>{row.title}</Link></td>
              <td>{format.day(row.on)}</td>
              <td data-end>{format.money({ amount: row.value, currency })}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {list.hasMore && <button type="button" className={classes.more} onClick={list.grow} disabled={list.growing}>{t('products.sales.more')}</button>}
    </>
  );
}
