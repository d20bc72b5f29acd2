import { Button, Select, Table } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { keys, type Survey, useGrowing } from '../api/records';
import { useFormats } from '../ui/format';
import { useNames } from '../ui/names';
import { EmptyState, ErrorState, Loading } from '../ui/states';
import { Tag, type Tone } from '../ui/Tag';
import { useView } from '../ui/view';
import { type Invitation, toneOf } from './metrics';
import classes from './Results.module.css';

const STATUS = ['pending', 'sent', 'answered', 'skipped'] as const;
const TONES: Record<Invitation['status'], Tone> = { pending: 'gray', sent: 'yellow', answered: 'green', skipped: 'gray' };

/** Who was asked and what became of it; or exactly the rows behind a number, where one led here. */
export function Invitations({ survey }: { survey: Survey }) {
  const { t } = useTranslation();
  const format = useFormats();
  const [view, change] = useView();
  const behind = view.rows ? Object.fromEntries(new URLSearchParams(view.rows)) : null;
  const query = behind ?? { survey_id: survey.id, ...(view.status && { status: view.status }) };
  const list = useGrowing<Invitation>([...keys.noun('surveys'), 'invitations', query], '/v1/survey-invitations', { limit: 100, ...query });
  const name = useNames('contacts', list.rows.map(({ contact_id }) => contact_id));
  return (
    <div className={classes.results}>
      <div className={classes.asked}>
        {behind ? (
          <>
            <span className={classes.behind}>{list.hasMore ? t('surveys.behindMore') : t('surveys.behind', { count: list.rows.length })}</span>
            <Button variant="default" onClick={() => change({ rows: undefined })}>{t('surveys.allInvitations')}</Button>
            <Button variant="subtle" color="gray" onClick={() => change({ rows: undefined, tab: undefined })}>{t('surveys.back')}</Button>
          </>
        ) : (
          <Select size="xs" clearable label={t('surveys.statusName')} value={view.status ?? null} data={STATUS.map((value) => ({ value, label: t(`surveys.status.${value}`) }))} onChange={(value) => change({ status: value ?? undefined })} />
        )}
      </div>
      {list.error ? (
        <ErrorState error={list.error} retry={list.retry} />
      ) : list.loading ? (
        <Loading lines={8} />
      ) : list.rows.length === 0 ? (
        <EmptyState title={t('surveys.nobody.title')}>{t('surveys.nobody.text')}</EmptyState>
      ) : (
        <div className={classes.scroll} role="region" aria-label={t('surveys.tab.invitations')} tabIndex={0}>
          <Table verticalSpacing={6} className={classes.table}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('surveys.respondent')}</Table.Th>
                <Table.Th>{t('surveys.about')}</Table.Th>
                <Table.Th>{t('surveys.statusName')}</Table.Th>
                <Table.Th>{t('surveys.when')}</Table.Th>
                <Table.Th ta="right">{t('surveys.score')}</Table.Th>
                <Table.Th>{t('surveys.comment')}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {list.rows.map((invitation) => {
                const at = invitation.answered_at ?? invitation.sent_at ?? invitation.due_at;
                const answered = invitation.score !== null && invitation.score !== undefined;
                return (
                  <Table.Tr key={invitation.id}>
                    <Table.Td><Link to="/customers/$id" params={{ id: invitation.contact_id }}>{name(invitation.contact_id) || '…'}</Link></Table.Td>
                    <Table.Td>
                      {invitation.ticket_id && <Link to="/tickets/$id" params={{ id: invitation.ticket_id }}>{t('surveys.ticket', { number: invitation.reference })}</Link>}
                      {invitation.order_id && <Link to="/orders/$id" params={{ id: invitation.order_id }}>{t('surveys.order', { number: invitation.reference })}</Link>}
                    </Table.Td>
                    <Table.Td>
                      <Tag tone={TONES[invitation.status]}>{t(`surveys.status.${invitation.status}`)}</Tag>
                      {invitation.skipped && <span className="soft"> {t(`surveys.skip.${invitation.skipped}`)}</span>}
                    </Table.Td>
                    <Table.Td title={format.moment(at)}>{format.ago(at)}</Table.Td>
                    <Table.Td ta="right">{answered && <Tag tone={toneOf(invitation.metric, invitation.score!)}>{invitation.score}</Tag>}</Table.Td>
                    <Table.Td className={classes.text}>{invitation.comment}</Table.Td>
                  </Table.Tr>
                );
              })}
            </Table.Tbody>
          </Table>
          {list.hasMore && <Button mt="sm" variant="default" loading={list.growing} onClick={list.grow}>{t('surveys.more')}</Button>}
        </div>
      )}
    </div>
  );
}
