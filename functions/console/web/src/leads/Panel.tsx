import { Button } from '@mantine/core';
import { IconUserCheck } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Lead, useRecord } from '../api/records';
import { useFormats } from '../ui/format';
import { useMay } from '../ui/me';
import { RecordLink } from '../ui/RecordLink';
import { useTitle } from '../ui/RecordSelect';
import { ErrorState, Loading } from '../ui/states';
import { Convert } from './Convert';
import { leadName } from './fields';
import { LeadFields } from './LeadFields';
import classes from './leads.module.css';
import { Reasons, Score } from './Score';
import { StatusMenu } from './States';

/** A lead beside a list. */
export function LeadPanel({ id }: { id: string }) {
  const { t } = useTranslation();
  const { data: lead, error, refetch } = useRecord('leads', id);
  if (error) return <ErrorState error={error} retry={() => void refetch()} />;
  if (!lead) return <Loading />;
  return (
    <>
      <h2>{leadName(lead)}</h2>
      <div className={classes.actions}>
        <StatusMenu lead={lead} />
        <ConvertButton lead={lead} />
      </div>
      <Outcome lead={lead} />
      <section className={classes.section}>
        <h2>{t('leads.field.score')} <Score score={lead.score} /></h2>
        <Reasons reasons={lead.score_reasons} />
      </section>
      <h2>{t('customers.fields')}</h2>
      <LeadFields lead={lead} />
    </>
  );
}

export function ConvertButton({ lead }: { lead: Lead }) {
  const { t } = useTranslation();
  const may = useMay();
  const [open, setOpen] = useState(false);
  const can = lead.status !== 'converted' && may('leads', 'write') && may('contacts', 'write');
  return (
    <>
      {can && <Button leftSection={<IconUserCheck size={15} />} onClick={() => setOpen(true)}>{t('leads.convert.do')}</Button>}
      {/* Stays when somebody else was faster, to say so. */}
      {open && <Convert lead={lead} onClose={() => setOpen(false)} />}
    </>
  );
}

/** What became of a lead. */
export function Outcome({ lead }: { lead: Lead }) {
  const { t } = useTranslation();
  const format = useFormats();
  const contact = useTitle(lead.contact_id);
  const company = useTitle(lead.company_id);
  if (lead.status !== 'converted') return null;
  return (
    <section className={classes.section}>
      <div className={`${classes.outcome} words`}>
        {t('leads.became', { day: format.dayOf(lead.converted_at) })} <RecordLink id={lead.contact_id}>{contact?.title}</RecordLink>
        {company && <>, <RecordLink id={lead.company_id}>{company.title}</RecordLink></>}
      </div>
    </section>
  );
}
