import { UnstyledButton } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useGrowing } from '../api/records';
import { useFormats } from '../ui/format';
import { useView } from '../ui/view';
import type { Score, Segments } from './api';
import { People } from './People';
import classes from './Segments.module.css';

/** The segments, best first: how many, what they bring, and what is to be done about them. */
export function Overview({ segments }: { segments: Segments }) {
  const { t } = useTranslation();
  const format = useFormats();
  const [view, change] = useView();
  const members = segments.data.reduce((all, segment) => all + segment.members, 0);
  const revenue = segments.data.reduce((all, segment) => all + Number(segment.revenue.amount), 0);
  const most = Math.max(...segments.data.map((segment) => Number(segment.revenue.amount)), 1);
  const rate = segments.repeat_purchase_rate;
  const open = segments.data.find((segment) => segment.key === view.segment);
  return (
    <>
      <p className={classes.lead}>
        {t('segments.overview.customers', { count: members })}
        {segments.model?.pareto && ` ${t('segments.overview.top', { share: format.percent(segments.model.pareto.top_20_percent_share) })}`}
        {rate && ` ${t('segments.overview.repeat', { share: format.percent(rate.value), low: format.percent(rate.low), high: format.percent(rate.high) })}`}
      </p>
      <div className={classes.scroller} tabIndex={0} role="region" aria-label={t('common.nav.segments')}>
        <table className={classes.table}>
          <thead>
            <tr>
              <th scope="col">{t('segments.column.segment')}</th>
              <th scope="col" data-wide>{t('segments.column.advice')}</th>
              <th scope="col" data-end>{t('segments.column.members')}</th>
              <th scope="col" data-end>{t('segments.column.share')}</th>
              <th scope="col" data-end>{t('segments.column.revenue')}</th>
              <th scope="col" data-bar>{t('segments.column.revenueShare')}</th>
            </tr>
          </thead>
          <tbody>
            {segments.data.map((segment) => (
              <tr key={segment.key}>
                <td>
                  <UnstyledButton className={classes.open} disabled={!segment.members} onClick={() => change({ segment: segment.key }, { push: true })}>
                    {t(`segments.name.${segment.key}`, { defaultValue: segment.name })}
                  </UnstyledButton>
                </td>
                <td data-wide className="soft">{t(`segments.advice.${segment.key}`, { defaultValue: '' })}</td>
                <td data-end>{format.number(segment.members)}</td>
                <td data-end className="soft">{members ? format.percent(segment.members / members) : '—'}</td>
                <td data-end>{format.money(segment.revenue)}</td>
                <td data-bar>
                  <span className={classes.bar}>
                    <span className={classes.fill} data-none={!segment.members || undefined} style={{ width: `${(Number(segment.revenue.amount) / most) * 70}%` }} />
                    <span className="number">{revenue ? format.percent(Number(segment.revenue.amount) / revenue) : '—'}</span>
                  </span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {open && <Members segment={open.key} onClose={() => change({ segment: undefined })} />}
    </>
  );
}

function Members({ segment, onClose }: { segment: string; onClose(): void }) {
  const { t } = useTranslation();
  const list = useGrowing<Score>(['segments', 'members', segment], `/v1/segments/${segment}/members`, { limit: 50 });
  return (
    <People
      title={t(`segments.name.${segment}`, { defaultValue: segment })}
      about={t(`segments.advice.${segment}`, { defaultValue: '' })}
      list={list}
      onClose={onClose}
    />
  );
}
