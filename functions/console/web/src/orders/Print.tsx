import { Button, SegmentedControl } from '@mantine/core';
import { IconChevronLeft, IconPrinter } from '@tabler/icons-react';
import { Link, useParams } from '@tanstack/react-router';
import { useDocumentTitle } from '@mantine/hooks';
import { useTranslation } from 'react-i18next';
import { type Contact, type Order, useRecord } from '../api/records';
import { useFormats } from '../ui/format';
import { useMe } from '../ui/me';
import { ErrorState, Loading } from '../ui/states';
import { useView } from '../ui/view';
import { isPositive } from './api';
import { Lines } from './Lines';
import classes from './Print.module.css';

/** An order on one clean sheet: as an invoice with prices, or as a delivery note without. */
export default function PrintOrder() {
  const { t } = useTranslation();
  const { id } = useParams({ strict: false }) as { id: string };
  const [view, change] = useView();
  const { data: order, error, refetch } = useRecord('orders', id);
  const kind = view.kind === 'delivery' ? 'delivery' : 'invoice';
  useDocumentTitle(order ? `${t(`orders.print.${kind}`)} ${order.number}` : 'Rapport');
  if (error) return <ErrorState error={error} retry={() => void refetch()} />;
  if (!order) return <Loading />;
  return (
    <div className={classes.page}>
      <div className={`${classes.bar} no-print`}>
        <Button component={Link} to={`/orders/${id}`} variant="subtle" color="gray" leftSection={<IconChevronLeft size={15} />}>{t('orders.title', { number: order.number })}</Button>
        <SegmentedControl
          size="xs"
          aria-label={t('orders.print.kind')}
          value={kind}
          onChange={(kind) => change({ kind: kind === 'invoice' ? undefined : kind })}
          data={[
            { value: 'invoice', label: t('orders.print.invoice') },
            { value: 'delivery', label: t('orders.print.delivery') },
          ]}
        />
        <Button leftSection={<IconPrinter size={15} />} onClick={() => window.print()}>{t('orders.print.now')}</Button>
      </div>
      <Sheet order={order} kind={kind} />
    </div>
  );
}

type Paper = 'invoice' | 'delivery';

function Sheet({ order, kind }: { order: Order; kind: Paper }) {
  const { t, i18n } = useTranslation();
  const format = useFormats();
  const firm = useMe().data?.tenant;
  const contact = useRecord('contacts', order.contact_id ?? undefined).data;
  const company = useRecord('companies', order.company_id ?? undefined).data;
  const facts: Array<[string, string]> = [
    [t('orders.number'), order.number],
    [t('orders.placedOn'), format.day(order.placed_on)],
    ...(order.fulfilled_on ? ([[t('orders.fulfilledOn'), format.day(order.fulfilled_on)]] as Array<[string, string]>) : []),
  ];
  return (
    <article className={classes.sheet}>
      <header className={classes.head}>
        <div className={classes.firm}>{firm?.company}</div>
        <h1 className={classes.title}>{order.status === 'draft' && kind === 'invoice' ? t('orders.print.offer') : t(`orders.print.${kind}`)}</h1>
      </header>
      <div className={classes.top}>
        <address className={classes.address}>
          {company && <div>{company.name}</div>}
          {contact && <div>{contact.name}</div>}
          {addressOf(contact, kind, i18n.language).map((line) => <div key={line}>{line}</div>)}
        </address>
        <dl className={classes.facts}>
          {facts.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </div>
      {kind === 'invoice' ? <Lines order={order} links={false} /> : <Delivery order={order} />}
      {kind === 'invoice' && order.status !== 'draft' && (
        <p className={classes.note}>{isPositive(order.balance) ? t('orders.print.due', { balance: format.money({ amount: order.balance, currency: order.currency }), number: order.number }) : t('orders.print.settled')}</p>
      )}
      {kind === 'delivery' && (
        <div className={classes.sign}>
          <div>{t('orders.print.received')}</div>
          <div>{t('orders.print.signature')}</div>
        </div>
      )}
    </article>
  );
}

function Delivery({ order }: { order: Order }) {
  const { t } = useTranslation();
  const format = useFormats();
  return (
    <table className={classes.delivery}>
      <thead>
        <tr>
          <th scope="col">{t('orders.grid.product')}</th>
          <th scope="col">{t('orders.grid.name')}</th>
          <th scope="col">{t('orders.grid.quantity')}</th>
        </tr>
      </thead>
      <tbody>
        {order.lines.map((line, row) => (
          <tr key={row}>
            <td>{line.sku}</td>
            <td>{line.name}</td>
            <td>{format.number(Number(line.quantity), { maximumFractionDigits: 6 })}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The lines of the address that a sheet goes to: the one labelled so, else the first. */
function addressOf(contact: Contact | undefined, kind: Paper, language: string): string[] {
  const label = kind === 'invoice' ? 'billing' : 'delivery';
  const all = contact?.addresses ?? [];
  const address = all.find((address) => address.label === label) ?? all.find(({ primary }) => primary) ?? all[0];
  if (!address) return [];
  const country = address.country && new Intl.DisplayNames([language], { type: 'region' }).of(address.country);
  return [
    ...(address.street?.split('\n') ?? []),
    [address.postal_code, address.city].filter(Boolean).join(' '),
    address.region,
    country,
  ].filter((line): line is string => Boolean(line));
}
