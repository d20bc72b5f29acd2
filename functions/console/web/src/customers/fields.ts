import type { TFunction } from 'i18next';

/** What a contact's fields are called. */
export const contactField = (t: TFunction) => (field: string): string =>
  ({
    name: t('customers.field.name'),
    given_name: t('customers.field.given_name'),
    family_name: t('customers.field.family_name'),
    email: t('customers.field.email'),
    phone: t('customers.field.phone'),
    emails: t('customers.field.emails'),
    phones: t('customers.field.phones'),
    addresses: t('customers.field.addresses'),
    title: t('customers.field.title'),
    occupation: t('customers.field.occupation'),
    birthday: t('customers.field.birthday'),
    gender: t('customers.field.gender'),
    company_id: t('customers.field.company_id'),
    locale: t('customers.field.locale'),
    consent: t('customers.field.consent'),
    do_not_contact: t('customers.field.do_not_contact'),
    note: t('customers.field.note'),
    owner_id: t('customers.field.owner_id'),
    tags: t('customers.field.tags'),
    custom: t('customers.field.custom'),
    external_ids: t('customers.field.external_ids'),
  })[field] ?? field;
