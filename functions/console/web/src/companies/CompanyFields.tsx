import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Company } from '../api/records';
import { Addresses } from '../ui/Addresses';
import { CustomFields } from '../ui/CustomFields';
import { useEdit } from '../ui/edit';
import { Field } from '../ui/Field';
import { useFormats } from '../ui/format';
import { useMay, usePeople } from '../ui/me';
import { money } from '../ui/money';
import { nameOf } from '../ui/names';
import { countryOptions } from '../ui/places';
import { RecordLink } from '../ui/RecordLink';
import { useTitle } from '../ui/RecordSelect';
import { companyField, KINDS } from './fields';

/** A company's own fields, each changed in place. */
export function CompanyFields({ company }: { company: Company }) {
  const { t, i18n } = useTranslation();
  const format = useFormats();
  const { people, name } = usePeople();
  const field = companyField(t);
  const edit = useEdit('companies', field);
  const write = useMay()('companies', 'write');
  const countries = useMemo(() => countryOptions(i18n.language), [i18n.language]);
  const parent = useTitle(company.parent_id);
  const change = (part: object) => edit.change(company, part as Record<string, unknown>);
  const save = (key: string) => (write ? (value: string | null) => change({ [key]: value }) : undefined);
  const site = company.website && /^https?:\/\//.test(company.website) ? company.website : undefined;
  return (
    <>
      <Field label={field('name')} value={company.name} edit={{ kind: 'text', required: true }} onSave={save('name')} />
      <Field label={field('kind')} value={company.kind} edit={{ kind: 'choice', required: true, options: KINDS.map((value) => ({ value, label: t(`companies.kind.${value}`) })) }} onSave={save('kind')} />
      <Field label={field('industry')} value={company.industry} edit={{ kind: 'text' }} onSave={save('industry')} />
      <Field label={field('size')} value={company.size} edit={{ kind: 'text' }} onSave={save('size')} />
      <Field label={field('email')} value={company.email} edit={{ kind: 'email' }} onSave={save('email')} />
      <Field label={field('phone')} value={company.phone} edit={{ kind: 'tel' }} onSave={save('phone')} />
      <Field label={field('website')} value={company.website} edit={{ kind: 'link' }} onSave={save('website')}>
        {site && <a href={site} target="_blank" rel="noreferrer noopener">{site.replace(/^https?:\/\//, '')}</a>}
      </Field>
      <Field label={field('parent_id')} value={company.parent_id} edit={{ kind: 'record', records: ['company'] }} onSave={save('parent_id')}>
        {company.parent_id && <RecordLink id={company.parent_id}>{parent?.title}</RecordLink>}
      </Field>
      <Field label={field('owner_id')} value={company.owner_id} edit={{ kind: 'choice', options: people.map((user) => ({ value: user.id, label: user.name })) }} onSave={save('owner_id')}>
        {name(company.owner_id)}
      </Field>
      <Field
        label={field('tags')}
        value={company.tags?.join(',')}
        edit={{ kind: 'tags' }}
        onSave={write ? (value) => change({ tags: value ? value.split(',') : [] }) : undefined}
      >
        {company.tags?.join(', ')}
      </Field>
      <Field label={field('note')} value={company.note} edit={{ kind: 'long' }} onSave={save('note')} />
      <Addresses label={field('addresses')} addresses={company.addresses} onSave={write ? (addresses) => change({ addresses }) : undefined} />
      <Field label={field('country')} value={company.country} edit={{ kind: 'choice', options: countries }} onSave={save('country')}>
        {nameOf('region', company.country, i18n.language)}
      </Field>
      <Field label={field('region')} value={company.region} edit={{ kind: 'text' }} onSave={save('region')} />
      <Field label={field('tax_id')} value={company.tax_id} edit={{ kind: 'text' }} onSave={save('tax_id')} />
      <Field
        label={field('terms_days')}
        value={company.terms_days?.toString()}
        edit={{ kind: 'number' }}
        onSave={write ? (value) => change({ terms_days: value === null ? null : Number(value) }) : undefined}
      >
        {company.terms_days == null ? null : t('customers.days', { count: company.terms_days })}
      </Field>
      <Field
        label={field('credit_limit')}
        value={company.credit_limit?.amount}
        edit={{ kind: 'text' }}
        onSave={write ? (value) => change({ credit_limit: value === null ? null : money(value, company.credit_limit?.currency ?? format.currency) }) : undefined}
      >
        {format.money(company.credit_limit)}
      </Field>
      <CustomFields kind="company" custom={company.custom as Record<string, unknown>} onSave={write ? (custom) => change({ custom }) : undefined} />
      {Object.entries(company.external_ids ?? {}).map(([source, id]) => (
        <Field key={source} label={t('customers.external', { source })} value={String(id)} />
      ))}
    </>
  );
}
