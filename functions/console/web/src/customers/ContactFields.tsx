import { useTranslation } from 'react-i18next';
import type { Contact } from '../api/records';
import type { components } from '../api/schema.gen';
import { Addresses } from '../ui/Addresses';
import { CustomFields } from '../ui/CustomFields';
import { useEdit } from '../ui/edit';
import { Field } from '../ui/Field';
import { useFormats } from '../ui/format';
import { useMay, usePeople } from '../ui/me';
import { nameOf } from '../ui/names';
import { RecordLink } from '../ui/RecordLink';
import { useTitle } from '../ui/RecordSelect';
import { Tag, type Tone } from '../ui/Tag';
import { contactField } from './fields';
import { Ways } from './Ways';

const LOCALES = ['en', 'en-GB', 'en-US', 'zh-CN'];
const CONSENT: Record<string, Tone> = { granted: 'green', denied: 'red', unknown: 'gray' };
const CHANNELS = ['email', 'sms', 'phone'] as const;

/** A contact's own fields, each changed in place. */
export function ContactFields({ contact }: { contact: Contact }) {
  const { t, i18n } = useTranslation();
  const format = useFormats();
  const { people, name } = usePeople();
  const field = contactField(t);
  const edit = useEdit('contacts', field);
  const write = useMay()('contacts', 'write');
  const company = useTitle(contact.company_id);
  const change = (part: object) => edit.change(contact, part as Record<string, unknown>);
  const save = (key: string) => (write ? (value: string | null) => change({ [key]: value }) : undefined);
  const language = (code: string) => nameOf('language', code, i18n.language);
  const yes = [{ value: 'true', label: t('common.yes') }, { value: 'false', label: t('common.no') }];
  return (
    <>
      <Field label={field('name')} value={contact.name} edit={{ kind: 'text', required: true }} onSave={save('name')} />
      <Ways
        label={field('emails')}
        kind="email"
        ways={(contact.emails ?? []).map((email) => ({ text: email.address, label: email.label, primary: email.primary }))}
        onSave={write ? (ways) => change({ emails: ways.map(({ text, label, primary }) => ({ address: text, label, primary })) }) : undefined}
      />
      <Ways
        label={field('phones')}
        kind="tel"
        ways={(contact.phones ?? []).map((phone) => ({ text: phone.given ?? phone.number, label: phone.label, primary: phone.primary }))}
        onSave={write ? (ways) => change({ phones: ways.map(({ text, label, primary }) => ({ number: text, label, primary })) }) : undefined}
      />
      <Field label={field('company_id')} value={contact.company_id} edit={{ kind: 'record', records: ['company'] }} onSave={save('company_id')}>
        {contact.company_id && <RecordLink id={contact.company_id}>{company?.title}</RecordLink>}
      </Field>
      <Field label={field('title')} value={contact.title} edit={{ kind: 'text' }} onSave={save('title')} />
      <Field
        label={field('owner_id')}
        value={contact.owner_id}
        edit={{ kind: 'choice', options: people.map((user) => ({ value: user.id, label: user.name })) }}
        onSave={save('owner_id')}
      >
        {name(contact.owner_id)}
      </Field>
      <Field
        label={field('tags')}
        value={contact.tags?.join(',')}
        edit={{ kind: 'tags' }}
        onSave={write ? (value) => change({ tags: value ? value.split(',') : [] }) : undefined}
      >
        {contact.tags?.join(', ')}
      </Field>
      <Field label={field('note')} value={contact.note} edit={{ kind: 'long' }} onSave={save('note')} />
      <Addresses label={field('addresses')} addresses={contact.addresses} onSave={write ? (addresses) => change({ addresses }) : undefined} />
      <CustomFields kind="contact" custom={contact.custom as Record<string, unknown>} onSave={write ? (custom) => change({ custom }) : undefined} />
      <Field label={field('birthday')} value={contact.birthday} edit={{ kind: 'day' }} onSave={save('birthday')}>{format.day(contact.birthday)}</Field>
      <Field
        label={field('gender')}
        value={contact.gender}
        edit={{ kind: 'choice', options: ['female', 'male', 'other'].map((value) => ({ value, label: t(`customers.gender.${value}`) })) }}
        onSave={save('gender')}
      />
      <Field label={field('occupation')} value={contact.occupation} edit={{ kind: 'text' }} onSave={save('occupation')} />
      <Field
        label={field('locale')}
        value={contact.locale}
        edit={{ kind: 'choice', options: [...new Set([...LOCALES, ...(contact.locale ? [contact.locale] : [])])].map((value) => ({ value, label: language(value) })) }}
        onSave={save('locale')}
      >
        {contact.locale ? language(contact.locale) : ''}
      </Field>
      <h2 style={{ margin: '12px 0 4px' }}>{field('consent')}</h2>
      {CHANNELS.map((channel) => {
        const consent = contact.consent?.[channel];
        const status = consent?.status ?? 'unknown';
        return (
          <Field
            key={channel}
            label={t(`customers.consent.${channel}`)}
            value={status}
            edit={{ kind: 'choice', required: true, options: Object.keys(CONSENT).map((value) => ({ value, label: t(`customers.consent.${value}`) })) }}
            onSave={
              write
                ? (value) => change({ consent: { ...contact.consent, [channel]: { status: value as components['schemas']['ConsentStatus'], at: null, source: t('customers.consent.source') } } })
                : undefined
            }
          >
            <Tag tone={CONSENT[status]}>{t(`customers.consent.${status}`)}</Tag>
            {consent?.at && <span className="label"> {[format.dayOf(consent.at), consent.source].filter(Boolean).join(' · ')}</span>}
          </Field>
        );
      })}
      <Field
        label={field('do_not_contact')}
        value={String(Boolean(contact.do_not_contact))}
        edit={{ kind: 'choice', required: true, options: yes }}
        onSave={write ? (value) => change({ do_not_contact: value === 'true' }) : undefined}
      >
        {contact.do_not_contact ? <Tag tone="red">{t('common.yes')}</Tag> : t('common.no')}
      </Field>
      {Object.entries(contact.external_ids ?? {}).map(([source, id]) => (
        <Field key={source} label={t('customers.external', { source })} value={String(id)} />
      ))}
    </>
  );
}
