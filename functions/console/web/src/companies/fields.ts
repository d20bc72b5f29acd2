import type { TFunction } from 'i18next';

/** What a company's fields are called. */
export const companyField = (t: TFunction) => (field: string): string =>
  ({
    name: t('companies.field.name'),
    kind: t('companies.field.kind'),
    industry: t('companies.field.industry'),
    size: t('companies.field.size'),
    website: t('companies.field.website'),
    email: t('companies.field.email'),
    phone: t('companies.field.phone'),
    addresses: t('companies.field.addresses'),
    tax_id: t('companies.field.tax_id'),
    parent_id: t('companies.field.parent_id'),
    region: t('companies.field.region'),
    country: t('companies.field.country'),
    credit_limit: t('companies.field.credit_limit'),
    terms_days: t('companies.field.terms_days'),
    note: t('companies.field.note'),
    owner_id: t('companies.field.owner_id'),
    tags: t('companies.field.tags'),
    custom: t('companies.field.custom'),
    external_ids: t('companies.field.external_ids'),
  })[field] ?? field;

export const KINDS = ['organisation', 'consumer', 'intermediary'] as const;
