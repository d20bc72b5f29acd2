import { useTranslation } from 'react-i18next';
import { useFormats } from '../ui/format';
import { useAccount, useMe } from '../ui/me';
import classes from './account.module.css';
import { Reopen } from './Reopen';

/** Above every page while the account is not open: why nothing can be changed, and until when. */
export default function Standing() {
  const { t } = useTranslation();
  const format = useFormats();
  const me = useMe().data;
  const { data: account } = useAccount();
  if (!account) return null;
  const { status, status_since, suspended_because, erased_at } = account;
  const closed = status === 'closed';
  return (
    <aside className={`${classes.standing} no-print`} data-tone={status === 'moving_in' ? undefined : 'red'} aria-label={t('data.standing.label')}>
      <p role="status">
        {closed && t('data.standing.closed', { erased: format.dayOf(erased_at) })}
        {status === 'suspended' && [t('data.standing.suspended', { day: format.dayOf(status_since) }), suspended_because].filter(Boolean).join(' ')}
        {status === 'moving_in' && t('data.standing.moving_in')}
      </p>
      {closed && me?.role === 'owner' && <Reopen />}
    </aside>
  );
}
