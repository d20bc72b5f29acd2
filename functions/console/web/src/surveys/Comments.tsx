import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { keys, type Survey, useGrowing } from '../api/records';
import { useFormats } from '../ui/format';
import { usePeople } from '../ui/me';
import { useNames } from '../ui/names';
import { EmptyState, ErrorState, Loading } from '../ui/states';
import { Tag } from '../ui/Tag';
import { badUpTo, type Invitation, type Metric, toneOf } from './metrics';
import classes from './Comments.module.css';

type Comment = Pick<Invitation, 'id' | 'contact_id' | 'ticket_id' | 'order_id' | 'complaint_id' | 'segment' | 'agent_id' | 'answered_at' | 'score' | 'comment' | 'answers'>;

/** What respondents wrote: those who should be called first, then all. */
export function Comments({ survey }: { survey: Survey }) {
  const { t } = useTranslation();
  const bad = badUpTo(survey.metric);
  const path = `/v1/surveys/${survey.id}/comments`;
  const key = [...keys.noun('surveys'), 'comments', survey.id];
  const urgent = useGrowing<Comment>([...key, 'bad'], path, { limit: 50, score_to: bad ?? undefined }, bad !== null);
  const all = useGrowing<Comment>(key, path, { limit: 50 });
  const shown = [...urgent.rows, ...all.rows];
  const name = useNames('contacts', shown.map(({ contact_id }) => contact_id));
  if (all.error) return <ErrorState error={all.error} retry={all.retry} />;
  if (all.loading) return <Loading lines={6} />;
  if (all.rows.length === 0) return <EmptyState title={t('surveys.comments.none')}>{t('surveys.comments.noneText')}</EmptyState>;
  const rest = all.rows.filter(({ score }) => bad === null || score === null || score === undefined || score > bad);
  const items = new Map((survey.items ?? []).map((item) => [item.key, item]));
  const list = (comments: Comment[]) => (
    <ul className={classes.comments}>
      {comments.map((comment) => (
        <li key={comment.id}>
          <One comment={comment} metric={survey.metric} name={name(comment.contact_id)} asked={(key) => items.get(key)?.text.en ?? items.get(key)?.text['zh-CN'] ?? key} />
        </li>
      ))}
    </ul>
  );
  return (
    <div className={classes.page}>
      {urgent.rows.length > 0 && (
        <section>
          <h2>{t('surveys.comments.call')}</h2>
          {list(urgent.rows)}
          {urgent.hasMore && <Button variant="default" loading={urgent.growing} onClick={urgent.grow}>{t('surveys.more')}</Button>}
        </section>
      )}
      {rest.length > 0 && (
        <section>
          <h2>{t('surveys.comments.others')}</h2>
          {list(rest)}
        </section>
      )}
      {all.hasMore && <Button variant="default" loading={all.growing} onClick={all.grow}>{t('surveys.more')}</Button>}
    </div>
  );
}

function One({ comment, metric, name, asked }: { comment: Comment; metric: Metric; name: string; asked(key: string): string }) {
  const { t } = useTranslation();
  const format = useFormats();
  const people = usePeople();
  const written = Object.entries((comment.answers ?? {}) as Record<string, unknown>).filter((answer): answer is [string, string] => typeof answer[1] === 'string');
  const agent = people.name(comment.agent_id);
  return (
    <>
      <div className={classes.head}>
        {comment.score !== null && comment.score !== undefined && <Tag tone={toneOf(metric, comment.score)}>{t('surveys.scoreOf', { score: comment.score })}</Tag>}
        <Link to="/customers/$id" params={{ id: comment.contact_id }}>{name || t('surveys.respondent')}</Link>
        <time className="soft" dateTime={comment.answered_at ?? undefined} title={format.moment(comment.answered_at)}>{format.ago(comment.answered_at)}</time>
        {agent && <span className="soft">{t('surveys.comments.agent', { name: agent })}</span>}
      </div>
      {comment.comment && <p className={classes.text}>{comment.comment}</p>}
      {written.map(([key, text]) => <p key={key} className={classes.text}><span className="label">{asked(key)}</span> {text}</p>)}
      <div className={classes.links}>
        {comment.complaint_id && <Link to="/tickets/$id" params={{ id: comment.complaint_id }}>{t('surveys.comments.complaint')}</Link>}
        {comment.ticket_id && <Link to="/tickets/$id" params={{ id: comment.ticket_id }}>{t('surveys.comments.ticket')}</Link>}
        {comment.order_id && <Link to="/orders/$id" params={{ id: comment.order_id }}>{t('surveys.comments.order')}</Link>}
      </div>
    </>
  );
}
