import { Button } from '@mantine/core';
import { IconMail, IconPhone, IconTrash } from '@tabler/icons-react';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { type Lead, useRecord } from '../api/records';
import { useDuplicates } from '../merge/api';
import { useRemove } from '../ui/edit';
import { useFormats } from '../ui/format';
import { History } from '../ui/History';
import { useMay } from '../ui/me';
import { RecordLink } from '../ui/RecordLink';
import { RecordPage } from '../ui/RecordPage';
import { titleOf } from '../ui/RecordSelect';
import { ErrorState, Loading } from '../ui/states';
import { leadField, leadName } from './fields';
import { LeadFields } from './LeadFields';
import classes from './leads.module.css';
import { ConvertButton, Outcome } from './Panel';
import { Reasons, Score } from './Score';
import { StatusMenu } from './States';

export default function LeadRecord() {
  const { t } = useTranslation();
  const { id } = useParams({ strict: false }) as { id: string };
  const navigate = useNavigate();
  const may = useMay();
  const remove = useRemove('leads');
  const { data: lead, error, refetch } = useRecord('leads', id);
  if (error) return <ErrorState error={error} retry={() => void refetch()} />;
  if (!lead) return <Loading />;
  return (
    <RecordPage
      title={leadName(lead)}
      back={{ to: '/leads', label: t('common.nav.leads') }}
      beside={<StatusMenu lead={lead} />}
      actions={
        <>
          {may('leads', 'write') && (
            <Button variant="default" leftSection={<IconTrash size={15} />} loading={remove.isPending} onClick={() => remove.mutate([id], { onSuccess: () => void navigate({ to: '/leads' }) })}>
              {t('common.remove')}
            </Button>
          )}
          <ConvertButton lead={lead} />
        </>
      }
      fields={<LeadFields lead={lead} />}
      tabs={[
        { key: 'overview', label: t('customers.tab.overview'), content: <Overview lead={lead} /> },
        { key: 'history', label: t('common.history.title'), content: <History noun="leads" id={id} label={leadField(t)} /> },
      ]}
    />
  );
}

/** How to reach a lead, how promising it is and why, and who it may be already. */
function Overview({ lead }: { lead: Lead }) {
  const { t } = useTranslation();
  const format = useFormats();
  const duplicates = useDuplicates('leads', lead.id);
  return (
    <>
      <Outcome lead={lead} />
      {(lead.email || lead.phone) && (
        <section className={classes.section}>
          <h2>{t('leads.reach')}</h2>
          <div className={classes.reach}>
            {lead.phone && <a href={`tel:${lead.phone}`}><IconPhone size={14} aria-hidden /> {lead.phone_given ?? lead.phone}</a>}
            {lead.email && <a href={`mailto:${encodeURIComponent(lead.email).replace('%40', '@')}`}><IconMail size={14} aria-hidden /> {lead.email}</a>}
          </div>
        </section>
      )}
      {lead.note && (
        <section className={classes.section}>
          <h2>{t('leads.field.note')}</h2>
          <p className={classes.note}>{lead.note}</p>
        </section>
      )}
      <section className={classes.section} style={{ maxWidth: 360 }}>
        <h2>{t('leads.field.score')} <Score score={lead.score} /></h2>
        <Reasons reasons={lead.score_reasons} />
      </section>
      {duplicates.data && duplicates.data.data.length > 0 && (
        <section className={classes.section}>
          <h2>{t('leads.alike')}</h2>
          {duplicates.data.data.map(({ id, score, record }) => (
            <div key={id}><RecordLink id={id}>{titleOf(record)}</RecordLink> <span className="soft">{t('merge.alike', { share: format.percent(score) })}</span></div>
          ))}
        </section>
      )}
    </>
  );
}
