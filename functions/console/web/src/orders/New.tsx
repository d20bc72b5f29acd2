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
import { newDraft, type OrderDraft, orderIn, typed } from './draft';
import { Editor } from './Editor';

/** What was typed of a new order outlives a reload, until it is saved. */
export const KEPT = 'rapport.order-draft';

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

function kept(): OrderDraft | null {
  try {
    const draft = JSON.parse(sessionStorage.getItem(KEPT) ?? 'null') as OrderDraft | null;
    return draft && Array.isArray(draft.lines) ? draft : null;
  } catch {
    return null;
  }
}

function Form() {
  const { t } = useTranslation();
  const format = useFormats();
  const navigate = useNavigate();
  const done = useDone();
  const [view] = useView();
  const [draft, setDraft] = useState(() => {
    const asked = view.contact_id ?? view.company_id;
    return (!asked && kept()) || newDraft(format.today(), format.currency, view.contact_id, view.company_id);
  });
  const change = (change: (draft: OrderDraft) => OrderDraft) =>
    setDraft((old) => {
      const next = change(old);
      if (typed(next).length) sessionStorage.setItem(KEPT, JSON.stringify(next));
      return next;
    });
  const create = (status: 'draft' | 'placed') => (attempt: string) => records.create('orders', { ...orderIn(draft, false), status }, { attempt });
  return (
    <Editor
      draft={draft}
      onDraft={change}
      onCancel={() => {
        sessionStorage.removeItem(KEPT);
        void navigate({ to: '/orders' });
      }}
      actions={[
        { key: 'draft', label: t('orders.edit.saveDraft'), run: create('draft') },
        { key: 'placed', label: t('orders.edit.place'), primary: true, needsLines: true, run: create('placed') },
      ]}
      onSaved={(order, action) => {
        sessionStorage.removeItem(KEPT);
        done(order, action === 'draft' ? t('orders.edit.doneDraft', { number: order.number }) : t('orders.edit.donePlaced', { number: order.number }));
        void navigate({ to: `/orders/${order.id}` });
      }}
    />
  );
}
