/** The firm's settings: one record, of which each section of these pages changes its part. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { answer, api } from '../api/client';
import { ApiError } from '../api/error';
import type { components } from '../api/schema.gen';

type Schemas = components['schemas'];
/** Days and currencies are names that only the firm knows. */
export type Settings = Omit<Schemas['Settings'], 'working_hours' | 'rates'> & {
  working_hours: Record<string, Array<[string, string]> | null>;
  rates?: Record<string, string | null>;
};
export type CustomField = Schemas['Field'];
export type Invitation = Schemas['Invitation'];
export type ApiKey = Schemas['ApiKeyOut'];
export type Endpoint = Schemas['Meta'] & Schemas['Endpoint'] & { secret?: string };
export type Delivery = Schemas['Delivery'];
export type Source = Schemas['Meta'] & Schemas['Source'] & { url?: string };
export type Receipt = Schemas['Receipt'] & { body?: string };

export interface Known {
  settings: Settings;
  /** The version these settings are, as `If-Match` names it. */
  version: string;
}

const KEY = ['settings'];

export function useSettings() {
  return useQuery({
    queryKey: KEY,
    queryFn: async (): Promise<Known> => {
      const { data, response } = await api.GET('/v1/settings');
      return { settings: data as unknown as Settings, version: response.headers.get('etag') ?? '' };
    },
  });
}

const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

/** Somebody else changed the same settings meanwhile. */
export class Overtaken extends Error {
  override name = 'Overtaken';
}

/**
 * Changes a part of the settings, by a merge patch. Where somebody else changed another part meanwhile, it is tried again on
 * the new version; where it was the same part, the caller is told, and what he saves next replaces it.
 */
export function useChangeSettings() {
  const client = useQueryClient();
  const send = (version: string, patch: Partial<Settings>) =>
    api.PATCH('/v1/settings', { params: { header: { 'If-Match': version } }, body: patch as unknown as Record<string, never> });
  return async (known: Known, patch: Partial<Settings>) => {
    let done;
    try {
      done = await send(known.version, patch);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 412) throw error;
      await client.refetchQueries({ queryKey: KEY });
      const now = client.getQueryData<Known>(KEY);
      const parts = Object.keys(patch) as Array<keyof Settings>;
      if (!now || parts.some((part) => !same(now.settings[part], known.settings[part]))) throw new Overtaken();
      done = await send(now.version, patch);
    }
    client.setQueryData<Known>(KEY, { settings: done.data as unknown as Settings, version: done.response.headers.get('etag') ?? '' });
    void client.invalidateQueries({ queryKey: ['me'] });
  };
}

export const CUSTOM_KINDS = ['contact', 'company', 'lead', 'order', 'product', 'ticket'] as const;

/** The firm's own fields, all kinds together. */
export function useCustomFields() {
  return useQuery({ queryKey: ['fields'], queryFn: async () => (await answer(api.GET('/v1/fields'))).data });
}
