import { Button, SegmentedControl } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { type Noun, records } from '../api/records';
import { useMay, useMe } from '../ui/me';
import { Page } from '../ui/Page';
import { EmptyState } from '../ui/states';
import { useView } from '../ui/view';
import { Figures } from './Figures';
import classes from './Today.module.css';
import { Work } from './Work';

const NOUNS: Noun[] = ['contacts', 'leads', 'orders', 'tickets'];

/** Whether the firm has nothing at all yet, so that there is nothing to do but begin. */
function useNothing(): boolean {
  const may = useMay();
  const nouns = NOUNS.filter((noun) => may(noun, 'read'));
  const result = useQuery({
    queryKey: ['today', 'nothing', nouns],
    queryFn: async ({ signal }) => {
      for (const noun of nouns) {
        if ((await records.page(noun, { limit: 1, fields: 'id' }, signal)).data.length) return false;
      }
      return true;
    },
    enabled: nouns.length > 0,
  });
  return result.data === true;
}

export default function Today() {
  const { t, i18n } = useTranslation();
  const me = useMe().data;
  const [view, change] = useView();
  const nothing = useNothing();
  const zone = me?.tenant.time_zone;
  const now = new Date();
  const date = new Intl.DateTimeFormat(i18n.language, { weekday: 'long', day: 'numeric', month: 'long', timeZone: zone }).format(now);
  const hour = Number(new Intl.DateTimeFormat('en-GB', { hour: '2-digit', hour12: false, timeZone: zone }).format(now));
  const given = (me?.user as { name?: string } | null | undefined)?.name ?? '';
  const mine = view.mine === '1';
  return (
    <Page
      title={t('common.nav.today')}
      beside={<span>{date}</span>}
      actions={
        !nothing && (
          <SegmentedControl
            size="xs"
            aria-label={t('today.whose')}
            value={mine ? 'mine' : 'all'}
            data={[{ value: 'all', label: t('today.everyone') }, { value: 'mine', label: t('today.mine') }]}
            onChange={(next) => change({ mine: next === 'mine' ? '1' : undefined })}
          />
        )
      }
    >
      {nothing ? (
        <EmptyState title={t('today.empty.title')} action={<Button component={Link} to="/welcome">{t('today.empty.action')}</Button>}>
          {t('today.empty.text')}
        </EmptyState>
      ) : (
        <>
          <p className={classes.greeting}>{t(`today.greeting.${hour < 5 ? 'night' : hour < 12 ? 'morning' : hour < 18 ? 'day' : 'evening'}`, { name: given })}</p>
          <div className={classes.columns}>
            <div><Work mine={mine} /></div>
            <aside aria-label={t('today.figures')}><Figures /></aside>
          </div>
        </>
      )}
    </Page>
  );
}
