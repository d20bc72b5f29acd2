import { ActionIcon, Button, Menu } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { IconArrowBackUp, IconBan, IconCopy, IconDots, IconPencil, IconPrinter, IconTrash } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { keys, type Order, records, useRecord } from '../api/records';
import { useRemove } from '../ui/edit';
import { useFormats } from '../ui/format';
import { History } from '../ui/History';
import { useMay } from '../ui/me';
import { RecordPage } from '../ui/RecordPage';
import { ErrorState, Loading } from '../ui/states';
import { isClosed, stepsOf, useDone } from './api';
import { draftOfOrder, keepDraft, orderIn } from './draft';
import { Editor } from './Editor';
import { orderField } from './fields';
import { Lines } from './Lines';
import { Next } from './Next';
import { OrderFields } from './OrderFields';
import { Payments } from './Payments';
import { Related } from './Related';
import { OrderState, PaymentState } from './State';
import { type Dialog, StepDialog } from './StepDialog';

export default function OrderRecord() {
  const { t } = useTranslation();
  const { id } = useParams({ strict: false }) as { id: string };
  const write = useMay()('orders', 'write');
  const { data: order, error, refetch } = useRecord('orders', id);
  const [editing, setEditing] = useState<string>();
  const narrow = useMediaQuery('(max-width: 62em)', false, { getInitialValueInEffect: false });
  if (error) return <ErrorState error={error} retry={() => void refetch()} />;
  if (!order) return <Loading />;
  const edits = write && !isClosed(order) && (order.status === 'draft' || editing === id);
  return (
    <RecordPage
      title={t('orders.title', { number: order.number })}
      back={{ to: '/orders', label: t('common.nav.orders') }}
      beside={
        <>
          <OrderState order={order} />
          <PaymentState order={order} />
        </>
      }
      actions={<Actions order={order} onEdit={edits ? undefined : () => setEditing(id)} />}
      fields={<OrderFields order={order} />}
      tabs={[
        {
          key: 'lines',
          label: t('orders.lines'),
          count: order.lines.length,
          content: (
            <>
              <Next order={order} editing={edits} />
              {edits ? <EditOrder key={order.id} order={order} onDone={() => setEditing(undefined)} /> : <Lines order={order} brief={narrow} />}
            </>
          ),
        },
        { key: 'payments', label: t('orders.payments'), count: order.payments.length, content: <Payments order={order} /> },
        { key: 'related', label: t('orders.related.title'), content: <Related order={order} /> },
        { key: 'history', label: t('common.history.title'), content: <History noun="orders" id={id} label={orderField(t)} /> },
      ]}
    />
  );
}

function EditOrder({ order, onDone }: { order: Order; onDone(): void }) {
  const { t } = useTranslation();
  const done = useDone();
  const client = useQueryClient();
  const [draft, setDraft] = useState(() => draftOfOrder(order));
  const [version, setVersion] = useState(order.version);
  const [touched, setTouched] = useState(false);
  // Changed elsewhere, such as in the fields beside: taken over as long as nothing was typed here.
  if (order.version !== version && !touched) {
    setVersion(order.version);
    setDraft(draftOfOrder(order));
  }
  const save = (status?: 'placed') => () => records.change('orders', order.id, { ...orderIn(draft, true), status }, version);
  const drafted = order.status === 'draft';
  return (
    <Editor
      draft={draft}
      onDraft={(change) => {
        setTouched(true);
        setDraft(change);
      }}
      onConflict={(now) => {
        setVersion(now.version);
        client.setQueryData(keys.record('orders', now.id), now);
      }}
      fixedCurrency={order.payments.length > 0}
      onCancel={drafted ? undefined : onDone}
      actions={[
        { key: 'save', label: drafted ? t('orders.edit.saveDraft') : t('common.save'), primary: !drafted, needsLines: !drafted, run: save() },
        ...(drafted ? [{ key: 'placed', label: t('orders.edit.place'), primary: true, needsLines: true, run: save('placed') }] : []),
      ]}
      onSaved={(order, action) => {
        done(order, action === 'placed' ? t('orders.edit.donePlaced', { number: order.number }) : t('orders.edit.doneSaved', { number: order.number }));
        setTouched(false);
        onDone();
      }}
    />
  );
}

function Actions({ order, onEdit }: { order: Order; onEdit?: () => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const format = useFormats();
  const write = useMay()('orders', 'write');
  const remove = useRemove('orders');
  const [dialog, setDialog] = useState<Dialog>();
  const can = stepsOf(order);
  const again = () => {
    keepDraft({ ...draftOfOrder(order), placed_on: format.today() });
    void navigate({ to: '/orders/new' });
  };
  return (
    <>
      <Button component={Link} to={`/orders/${order.id}/print`} variant="default" leftSection={<IconPrinter size={15} />}>{t('orders.print.open')}</Button>
      {write && (
        <Menu position="bottom-end" shadow="md">
          <Menu.Target>
            <ActionIcon variant="default" size={30} aria-label={t('orders.more')}><IconDots size={16} /></ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            {!isClosed(order) && onEdit && <Menu.Item leftSection={<IconPencil size={15} />} onClick={onEdit}>{t('orders.edit.open')}</Menu.Item>}
            <Menu.Item leftSection={<IconCopy size={15} />} onClick={again}>{t('orders.again')}</Menu.Item>
            {can.return && <Menu.Item leftSection={<IconArrowBackUp size={15} />} onClick={() => setDialog('return')}>{t('orders.step.return')}…</Menu.Item>}
            {can.cancel && <Menu.Item leftSection={<IconBan size={15} />} onClick={() => setDialog('cancel')}>{t('orders.step.cancel')}…</Menu.Item>}
            <Menu.Divider />
            <Menu.Item leftSection={<IconTrash size={15} />} onClick={() => remove.mutate([order.id], { onSuccess: () => void navigate({ to: '/orders' }) })}>{t('common.remove')}</Menu.Item>
          </Menu.Dropdown>
        </Menu>
      )}
      <StepDialog order={order} dialog={dialog} onClose={() => setDialog(undefined)} />
    </>
  );
}
