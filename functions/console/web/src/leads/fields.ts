import type { TFunction } from 'i18next';
import type { Lead } from '../api/records';

/** What a lead's fields are called. */
export const leadField = (t: TFunction) => (field: string): string =>
  ({
    name: t('leads.field.name'),
    company_name: t('leads.field.company_name'),
    email: t('leads.field.email'),
    phone: t('leads.field.phone'),
    title: t('leads.field.title'),
    industry: t('leads.field.industry'),
    source: t('leads.field.source'),
    utm: t('leads.field.utm'),
    status: t('leads.field.status'),
    rating: t('leads.field.rating'),
    score: t('leads.field.score'),
    note: t('leads.field.note'),
    value: t('leads.field.value'),
    owner_id: t('leads.field.owner_id'),
    tags: t('leads.field.tags'),
    custom: t('leads.field.custom'),
    contact_id: t('leads.field.contact_id'),
    company_id: t('leads.field.company_id'),
    converted_at: t('leads.field.converted_at'),
  })[field] ?? field;

/** The states that a person may set; the last one comes by conversion only. */
export const OPEN = ['new', 'working', 'qualified', 'unqualified'] as const;
export const STATUSES = [...OPEN, 'converted'] as const;
export const RATINGS = ['hot', 'warm', 'cold'] as const;
export const SOURCES = ['web', 'referral', 'fair', 'phone', 'newsletter', 'social', 'advertisement'] as const;

/** What a lead is called: a person, else a firm, else how to reach it. */
export const leadName = (lead: Lead): string => lead.name ?? lead.company_name ?? lead.email ?? lead.phone ?? lead.id;
