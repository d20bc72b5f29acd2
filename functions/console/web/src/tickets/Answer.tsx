import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { components } from '../api/schema.gen';
import { useFormats } from '../ui/format';
import { Tag, type Tone } from '../ui/Tag';
import classes from './Record.module.css';

type Invitation = components['schemas']['SurveyInvitation'];

const TONES: Record<Invitation['status'], Tone> = { pending: 'gray', sent: 'yellow', answered: 'green', skipped: 'gray' };

/** What the customer thought of how the ticket went, or how far the question has come. */
export function Answer({ invitation }: { invitation: Invitation }) {
  const { t } = useTranslation();
  const format = useFormats();
  const at = invitation.answered_at ?? invitation.sent_at ?? invitation.due_at;
  return (
    <section className={classes.section}>
      <h2>{t('tickets.survey.title')}</h2>
      <p className={classes.who}>
        <Link to="/surveys/$id" params={{ id: invitation.survey_id }}>{t(`surveys.metric.${invitation.metric}`)}</Link>{' '}
        <Tag tone={TONES[invitation.status]}>{t(`surveys.status.${invitation.status}`)}</Tag>{' '}
        {invitation.status !== 'skipped' && <span className="soft">{format.ago(at)}</span>}
      </p>
      {invitation.score !== null && invitation.score !== undefined && <p className={classes.score}>{t('tickets.survey.score', { score: invitation.score })}</p>}
      {invitation.comment && <blockquote className={classes.quote}>{invitation.comment}</blockquote>}
      {invitation.complaint_id && <Link to="/tickets/$id" params={{ id: invitation.complaint_id }}>{t('tickets.survey.complaint')}</Link>}
    </section>
  );
}
