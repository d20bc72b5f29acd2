import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { records } from '../api/records';
import { useFormats } from '../ui/format';
import { useMay, useMe } from '../ui/me';
import { Page } from '../ui/Page';
import { EmptyState, Loading } from '../ui/states';
import { useView } from '../ui/view';
import { useDone } from './api';
import { keepDraft, keptDraft, newDraft, type OrderDraft, orderIn, typed } from './draft';
import { Editor } from './Editor';

export default function NewOrder() {
  const { t } = useTranslation();
  const me = useMe();
  const may = useMay();
  return (
    <Page title={t('common.create.order')}>
      {!me.data ? <Loading /> : may('orders', 'write') ? <Form /> : <EmptyState title={t('common.forbidden.title')}>{t('common.forbidden.text')}</EmptyState>}
    </Page>
  );
}

function Form() {
  const { t } = useTranslation();
  const format = useFormats();
  const navigate = useNavigate();
  const done = useDone();
  const [view] = useView();
  const [draft, setDraft] = useState(() => {
    const asked = view.contact_id ?? view.company_id;
    return (!asked && keptDraft()) || newDraft(format.today(), format.currency, view.contact_id, view.company_id);
  });
  const change = (change: (draft: OrderDraft) => OrderDraft) =>
    setDraft((old) => {
      const next = change(old);
      keepDraft(typed(next).length ? next : null);
      return next;
    });
  const create = (status: 'draft' | 'placed') => (attempt: string) => records.create('orders', { ...orderIn(draft, false), status }, { attempt });
  return (
    <Editor
      draft={draft}
      onDraft={change}
      onCancel={() => {
        keepDraft(null);
        void navigate({ to: '/orders' });
      }}
      actions={[
        { key: 'draft', label: t('orders.edit.saveDraft'), run: create('draft') },
        { key: 'placed', label: t('orders.edit.place'), primary: true, needsLines: true, run: create('placed') },
      ]}
      onSaved={(order, action) => {
        keepDraft(null);
        done(order, action === 'draft' ? t('orders.edit.doneDraft', { number: order.number }) : t('orders.edit.donePlaced', { number: order.number }));
        void navigate({ to: `/orders/${order.id}` });
      }}
    />
  );
}
