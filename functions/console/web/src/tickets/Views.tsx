import { SegmentedControl } from '@mantine/core';
import { IconLayoutKanban, IconList } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useView } from '../ui/view';
import classes from './Views.module.css';

/** Views that everybody needs. */
export const READY = ['open', 'mine', 'unassigned', 'overdue', 'all'] as const;
export type Ready = (typeof READY)[number];

export const readyOf = (view: Record<string, string | undefined>): Ready => READY.find((ready) => ready === view.view) ?? 'open';

export function ReadyViews() {
  const { t } = useTranslation();
  const [view, change] = useView();
  return (
    <div className={classes.ready}>
      <SegmentedControl
        size="xs"
        aria-label={t('tickets.view.label')}
        value={readyOf(view)}
        onChange={(next) => change({ view: next === 'open' ? undefined : next })}
        data={READY.map((value) => ({ value, label: t(`tickets.view.${value}`) }))}
      />
    </div>
  );
}

const EXACT = { exact: true, includeSearch: false };

/** The same tickets as a list or as a board. */
export function Switcher() {
  const { t } = useTranslation();
  return (
    <nav className={classes.switcher} aria-label={t('tickets.shape.label')}>
      <Link to="/tickets" activeOptions={EXACT}><IconList size={15} />{t('tickets.shape.list')}</Link>
      <Link to="/tickets/board" activeOptions={EXACT}><IconLayoutKanban size={15} />{t('tickets.shape.board')}</Link>
    </nav>
  );
}
