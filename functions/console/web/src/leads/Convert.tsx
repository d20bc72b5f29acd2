import { Button, Modal, Radio, Stack } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { attempt } from '../api/client';
import { ApiError } from '../api/error';
import { call, type Company, type Contact, type Lead } from '../api/records';
import { tell } from '../ui/edit';
import { RecordLink } from '../ui/RecordLink';
import { RecordSelect } from '../ui/RecordSelect';
import formClasses from '../ui/FormModal.module.css';
import { leadName } from './fields';
import classes from './leads.module.css';

interface Converted {
  lead: Lead;
  contact: Contact;
  company?: Company;
}

type Way = 'new' | 'known';

/** Makes a customer of a lead: a new contact and company, or those that are there already. */
export function Convert({ lead, onClose }: { lead: Lead; onClose(): void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [person, setPerson] = useState<Way>('new');
  const [firm, setFirm] = useState<Way>('new');
  const [contact, setContact] = useState<string | null>(null);
  const [company, setCompany] = useState<string | null>(null);
  const [name, setName] = useState(attempt);
  const convert = useMutation({
    mutationFn: () =>
      call<Converted>('POST', `/v1/leads/${encodeURIComponent(lead.id)}/convert`, {
        body: { contact_id: (person === 'known' && contact) || undefined, company_id: (firm === 'known' && company) || undefined },
        attempt: name,
      }),
    onSuccess: async ({ contact }) => {
      await client.invalidateQueries();
      tell(t('leads.convert.done', { name: contact.name }));
      onClose();
      void navigate({ to: '/customers/$id', params: { id: contact.id } });
    },
    onError: (error) => {
      // Without an answer the same attempt is repeated, so that it is done once.
      if (error instanceof ApiError && error.status !== 0) setName(attempt());
      if (error instanceof ApiError && error.code === 'already_converted') void client.invalidateQueries({ queryKey: ['leads'] });
    },
  });
  const ready = (person === 'new' || contact) && (firm === 'new' || company);
  return (
    <Modal opened onClose={onClose} title={t('leads.convert.title', { name: leadName(lead) })} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) convert.mutate();
        }}
      >
        <Stack gap="lg">
          <div className={classes.choice}>
            <Radio.Group label={t('leads.convert.person')} value={person} onChange={(way) => setPerson(way as Way)}>
              <Stack gap={8} mt={6}>
                <Radio size="xs" value="new" label={t('leads.convert.newPerson', { name: leadName(lead) })} />
                <Radio size="xs" value="known" label={t('leads.convert.knownPerson')} />
              </Stack>
            </Radio.Group>
            {person === 'known' && <RecordSelect label={t('leads.convert.choosePerson')} hideLabel placeholder={t('leads.convert.choosePerson')} kinds={['contact']} value={contact} autoFocus={!contact} onChange={setContact} />}
          </div>
          <div className={classes.choice}>
            <Radio.Group label={t('leads.convert.firm')} value={firm} onChange={(way) => setFirm(way as Way)}>
              <Stack gap={8} mt={6}>
                <Radio size="xs" value="new" label={person === 'known' ? t('leads.convert.theirFirm') : lead.company_name ? t('leads.convert.newFirm', { name: lead.company_name }) : t('leads.convert.noFirm')} />
                <Radio size="xs" value="known" label={t('leads.convert.knownFirm')} />
              </Stack>
            </Radio.Group>
            {firm === 'known' && <RecordSelect label={t('leads.convert.chooseFirm')} hideLabel placeholder={t('leads.convert.chooseFirm')} kinds={['company']} value={company} autoFocus onChange={setCompany} />}
          </div>
          {convert.error && <div role="alert" className={formClasses.failure}><Failure error={convert.error} use={(id) => { setPerson('known'); setContact(id); convert.reset(); }} /></div>}
          <div style={{ display: 'flex', gap: 8, justifyContent: 'flex-end' }}>
            <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
            <Button type="submit" disabled={!ready} loading={convert.isPending}>{t('leads.convert.do')}</Button>
          </div>
        </Stack>
      </form>
    </Modal>
  );
}

/** Why it was refused; where the address is a customer's already, the way on. */
function Failure({ error, use }: { error: Error; use(id: string): void }) {
  const { t } = useTranslation();
  if (!(error instanceof ApiError)) return <>{error.message}</>;
  if (error.status === 0) return <>{t('common.offline.form')}</>;
  if (error.code === 'already_converted') return <>{t('leads.convert.already')}</>;
  const holder = error.holder;
  if (holder) {
    return (
      <>
        <p className="words" style={{ margin: '0 0 8px' }}>{t('leads.convert.taken')} <RecordLink id={holder}>{t('leads.convert.look')}</RecordLink></p>
        <Button variant="default" onClick={() => use(holder)}>{t('leads.convert.use')}</Button>
      </>
    );
  }
  return (
    <>
      {[error.message, ...error.faults.map(({ detail }) => detail)].join(' · ')}
      {error.requestId && <div className="soft">{t('common.request', { id: error.requestId })}</div>}
    </>
  );
}
