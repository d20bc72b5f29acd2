import { useTranslation } from 'react-i18next';
import type { Lead } from '../api/records';
import { CustomFields } from '../ui/CustomFields';
import { useEdit } from '../ui/edit';
import { Field } from '../ui/Field';
import { useFormats } from '../ui/format';
import { useMay, usePeople } from '../ui/me';
import { money } from '../ui/money';
import { leadField, RATINGS } from './fields';
import { Rating } from './States';

/** A lead's own fields, each changed in place. */
export function LeadFields({ lead }: { lead: Lead }) {
  const { t } = useTranslation();
  const format = useFormats();
  const { people, name } = usePeople();
  const field = leadField(t);
  const edit = useEdit('leads', field);
  const write = useMay()('leads', 'write');
  const change = (part: object) => edit.change(lead, part as Record<string, unknown>);
  const save = (key: string) => (write ? (value: string | null) => change({ [key]: value }) : undefined);
  const utm = Object.entries(lead.utm ?? {}).filter(([, value]) => value);
  return (
    <>
      <Field label={field('name')} value={lead.name} edit={{ kind: 'text' }} onSave={save('name')} />
      <Field label={field('company_name')} value={lead.company_name} edit={{ kind: 'text' }} onSave={save('company_name')} />
      <Field label={field('email')} value={lead.email} edit={{ kind: 'email' }} onSave={save('email')} />
      <Field label={field('phone')} value={lead.phone_given ?? lead.phone} edit={{ kind: 'tel' }} onSave={save('phone')} />
      <Field label={field('title')} value={lead.title} edit={{ kind: 'text' }} onSave={save('title')} />
      <Field label={field('industry')} value={lead.industry} edit={{ kind: 'text' }} onSave={save('industry')} />
      <Field label={field('source')} value={lead.source} edit={{ kind: 'text' }} onSave={save('source')}>
        {lead.source && t(`leads.source.${lead.source}`, { defaultValue: lead.source })}
      </Field>
      <Field label={field('rating')} value={lead.rating} edit={{ kind: 'choice', options: RATINGS.map((value) => ({ value, label: t(`leads.rating.${value}`) })) }} onSave={save('rating')}>
        {lead.rating && <Rating rating={lead.rating} />}
      </Field>
      <Field
        label={field('value')}
        value={lead.value?.amount}
        edit={{ kind: 'text' }}
        onSave={write ? (value) => change({ value: value === null ? null : money(value, lead.value?.currency ?? format.currency) }) : undefined}
      >
        {format.money(lead.value)}
      </Field>
      <Field label={field('owner_id')} value={lead.owner_id} edit={{ kind: 'choice', options: people.map((user) => ({ value: user.id, label: user.name })) }} onSave={save('owner_id')}>
        {name(lead.owner_id)}
      </Field>
      <Field label={field('tags')} value={lead.tags?.join(',')} edit={{ kind: 'tags' }} onSave={write ? (value) => change({ tags: value ? value.split(',') : [] }) : undefined}>
        {lead.tags?.join(', ')}
      </Field>
      <Field label={field('note')} value={lead.note} edit={{ kind: 'long' }} onSave={save('note')} />
      <CustomFields kind="lead" custom={lead.custom as Record<string, unknown>} onSave={write ? (custom) => change({ custom }) : undefined} />
      {utm.length > 0 && <Field label={field('utm')} value={utm.map(([key, value]) => `${key}: ${value}`).join('\n')} />}
      <Field label={t('leads.received')} value={format.moment(lead.created_at)} />
    </>
  );
}
