import { useQueryClient } from '@tanstack/react-query';
import { lazy, Suspense, useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormats } from '../ui/format';
import { useAccount, useMe } from '../ui/me';
import classes from './account.module.css';

const Reopen = lazy(() => import('./Reopen'));

/** Above every page while the account is not open: why nothing can be changed, and until when. */
export function Standing() {
  const { t } = useTranslation();
  const format = useFormats();
  const me = useMe().data;
  const { data: account } = useAccount();
  // Most roles are told no more than how the account stands.
  const status = account?.status ?? me?.account ?? 'open';
  useAfterMove(status);
  if (status === 'open') return null;
  const { status_since, suspended_because, erased_at } = account ?? {};
  const closed = status === 'closed';
  return (
    <aside className={`${classes.standing} no-print`} data-tone={status === 'moving_in' ? undefined : 'red'} aria-label={t('data.standing.label')}>
      <p role="status">
        {closed && <><strong>{t('data.close.closed')}</strong> · {erased_at ? t('data.standing.until', { erased: format.dayOf(erased_at) }) : t('data.standing.read')}</>}
        {status === 'suspended' && (status_since ? [t('data.standing.suspended', { day: format.dayOf(status_since) }), suspended_because].filter(Boolean).join(' ') : t('data.standing.read'))}
        {status === 'moving_in' && t('data.standing.moving_in')}
      </p>
      {closed && me?.role === 'owner' && <Suspense fallback={null}><Reopen /></Suspense>}
    </aside>
  );
}

/** When an archive has been moved in, everything that was read before is old, whichever page one is on. */
function useAfterMove(status: string | undefined) {
  const client = useQueryClient();
  const before = useRef(status);
  useEffect(() => {
    if (before.current === 'moving_in' && status === 'open') void client.invalidateQueries();
    before.current = status;
  }, [client, status]);
}
