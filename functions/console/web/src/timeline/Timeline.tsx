import { Button } from '@mantine/core';
import { IconAddressBook, IconBuilding, IconHeartHandshake, IconMessageStar, IconReceipt, IconTicket, IconUserPlus } from '@tabler/icons-react';
import { type ComponentType, Fragment, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { keys, type Money, useGrowing } from '../api/records';
import type { Happening } from '../customers/api';
import { useFormats } from '../ui/format';
import { usePeople } from '../ui/me';
import { RecordLink } from '../ui/RecordLink';
import { EmptyState, ErrorState, Loading } from '../ui/states';
import { type Episode, episodes, touched } from './happenings';
import classes from './Timeline.module.css';

const ICONS: Record<string, ComponentType<{ size?: number; stroke?: number }>> = {
  contact: IconAddressBook, company: IconBuilding, lead: IconUserPlus, order: IconReceipt, ticket: IconTicket, survey: IconMessageStar, win_back: IconHeartHandshake,
};

interface Props {
  noun: 'contacts' | 'companies';
  id: string;
  /** What the record's own fields are called. */
  label(field: string): string;
}

/** What happened to a record and all that is its own, newest first, day by day. */
export function Timeline({ noun, id, label }: Props) {
  const { t } = useTranslation();
  const list = useGrowing<Happening>([...keys.record(noun, id), 'timeline'], `/v1/${noun}/${id}/timeline`, { limit: 50 });
  if (list.error && list.rows.length === 0) return <ErrorState error={list.error} retry={list.retry} />;
  if (list.loading) return <Loading lines={6} />;
  if (list.rows.length === 0) return <EmptyState title={t('timeline.empty')} />;
  return (
    <>
      <Episodes happenings={list.rows} of={id} label={label} />
      {list.hasMore && <Button mt="sm" variant="default" loading={list.growing} onClick={list.grow}>{t('common.history.more')}</Button>}
    </>
  );
}

/** Events as a list by day. */
export function Episodes({ happenings, of, label }: { happenings: readonly Happening[]; of: string; label(field: string): string }) {
  const format = useFormats();
  const told = useMemo(() => episodes(happenings), [happenings]);
  let day = '';
  return (
    <div className={classes.timeline}>
      {told.map((episode) => {
        const today = format.dayOf(episode.time);
        const head = today !== day;
        day = today;
        return (
          <Fragment key={episode.id}>
            {head && <h3 className={classes.day}>{today}</h3>}
            <Line episode={episode} own={episode.subject === of} label={label} />
          </Fragment>
        );
      })}
    </div>
  );
}

function Line({ episode, own, label }: { episode: Episode; own: boolean; label(field: string): string }) {
  const { t, i18n } = useTranslation();
  const format = useFormats();
  const people = usePeople();
  const { noun, verbs, data, previous, subject, time } = episode;
  const Icon = ICONS[noun] ?? IconAddressBook;
  const text = (key: string) => (data[key] === undefined || data[key] === null ? '' : String(data[key]));
  const list = (words: string[]) => new Intl.ListFormat(i18n.language, { type: 'conjunction', style: 'narrow' }).format(words);
  const name = { order: text('number'), ticket: text('number'), lead: text('name') || text('company_name'), company: text('name'), contact: text('name') }[noun] ?? '';
  const title = own ? t(`timeline.own.${noun}`) : t(`timeline.noun.${noun}`, { name });
  const link = noun === 'survey' ? text('survey_id') : own ? '' : subject;
  // Who answered is what matters of an answer.
  const spoken = verbs.map((verb) => (verb === 'replied' ? `replied_${text('last_message_from') || 'agent'}` : verb));
  const verb = list(spoken.map((verb) => t(`timeline.verb.${noun}.${verb}`, { defaultValue: t(`timeline.verb.any.${verb}`, { defaultValue: verb }) })));
  const fields = verbs.includes('updated') ? touched(previous) : [];
  const segment = (value: unknown) => (value as { rfm?: { segment?: string } } | undefined)?.rfm?.segment;
  const stage = (value: unknown) => (value as { lifecycle?: string } | undefined)?.lifecycle;
  const detail = [
    noun === 'order' && data.total !== undefined && format.money({ amount: data.total, currency: data.currency } as unknown as Money),
    noun === 'order' && data.historic === true && text('placed_on') && t('timeline.placedOn', { day: format.day(text('placed_on')) }),
    noun === 'ticket' && text('subject'),
    noun === 'survey' && text('score') && t('timeline.answer', { score: text('score') }),
    noun === 'survey' && text('comment'),
    fields.length > 0 && own && list(fields.slice(0, 6).map(label)),
    verbs.includes('segment_changed') && change(segment(previous), segment(data), (key) => t(`customers.segment.${key}`)),
    verbs.includes('lifecycle_changed') && change(stage(previous), stage(data), (key) => t(`customers.lifecycle.${key}`)),
  ].filter(Boolean);
  return (
    <div className={classes.line}>
      <span className={classes.icon} aria-hidden><Icon size={15} stroke={1.7} /></span>
      <div className={`${classes.words} words`}>
        <RecordLink id={link}>{title}</RecordLink> {verb}
        {detail.length > 0 && <div className="soft">{detail.join(' · ')}</div>}
      </div>
      <div className={classes.when}>
        {!spoken.includes('replied_customer') && people.name(text('updated_by'))}
        <time dateTime={time} title={format.moment(time)}>{format.clock(time)}</time>
      </div>
    </div>
  );
}

function change(from: string | undefined, to: string | undefined, name: (key: string) => string): string {
  return [from, to].filter((key) => key !== undefined).map(name).join(' → ');
}
