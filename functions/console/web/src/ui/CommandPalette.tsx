import { useDebouncedValue } from '@mantine/hooks';
import { createSpotlight, Spotlight } from '@mantine/spotlight';
import {
  IconAddressBook, IconBox, IconBuilding, IconPlus, IconReceipt, IconSearch, IconTicket, IconUserPlus,
} from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type ComponentType, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { answer, api } from '../api/client';
import { useMay } from './me';

const [store, palette] = createSpotlight();

/** Where the record of a kind found by search has its page. */
const KINDS: Record<string, { path: string; icon: ComponentType<{ size?: number }> }> = {
  contact: { path: '/customers', icon: IconAddressBook },
  company: { path: '/companies', icon: IconBuilding },
  lead: { path: '/leads', icon: IconUserPlus },
  order: { path: '/orders', icon: IconReceipt },
  product: { path: '/products', icon: IconBox },
  ticket: { path: '/tickets', icon: IconTicket },
};

/** What can be made from anywhere: the list's page with its form open. */
const CREATE = [
  { key: 'lead', to: '/leads', search: { create: '1' }, noun: 'leads' },
  { key: 'customer', to: '/customers', search: { create: '1' }, noun: 'contacts' },
  { key: 'company', to: '/companies', search: { create: '1' }, noun: 'companies' },
  { key: 'order', to: '/orders/new', search: {}, noun: 'orders' },
  { key: 'product', to: '/products', search: { create: '1' }, noun: 'products' },
  { key: 'ticket', to: '/tickets', search: { create: '1' }, noun: 'tickets' },
];

interface Props {
  places: Array<{ to: string; key: string; icon: ComponentType<{ size?: number }> }>;
}

/** Ctrl K: go to a page, create a record, find a record. */
export default function CommandPalette({ places }: Props) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const may = useMay();
  const [text, setText] = useState('');
  const [words] = useDebouncedValue(text.trim().slice(0, 200), 150);
  const found = useQuery({
    queryKey: ['search', words],
    queryFn: () => answer(api.GET('/v1/search', { params: { query: { q: words, limit: 12 } } })),
    enabled: words.length > 0,
    placeholderData: (before) => before,
  });
  useEffect(() => {
    const open = () => palette.open();
    window.addEventListener('rapport:palette', open);
    return () => window.removeEventListener('rapport:palette', open);
  }, []);

  const fits = (label: string) => label.toLowerCase().includes(text.trim().toLowerCase());
  const pages = places.map((place) => ({ ...place, label: t(`common.nav.${place.key}`) })).filter(({ label }) => fits(label));
  const creates = CREATE.filter(({ noun }) => may(noun, 'write'))
    .map((create) => ({ ...create, label: t(`common.create.${create.key}`) }))
    .filter(({ label }) => fits(label));
  const results = words ? (found.data?.data ?? []) : [];

  return (
    <Spotlight.Root store={store} query={text} onQueryChange={setText} shortcut="mod + K" scrollable maxHeight={420} clearQueryOnClose>
      <Spotlight.Search placeholder={t('common.find')} aria-label={t('common.find')} leftSection={<IconSearch size={16} />} />
      <Spotlight.ActionsList>
        {results.length > 0 && (
          <Spotlight.ActionsGroup label={t('common.palette.records')}>
            {results.map(({ kind, id, title, subtitle }) => {
              const { path, icon: Icon } = KINDS[kind] ?? { path: '/', icon: IconSearch };
              return (
                <Spotlight.Action key={id} label={title} description={subtitle} leftSection={<Icon size={16} />} onClick={() => void navigate({ to: `${path}/${id}` })} />
              );
            })}
          </Spotlight.ActionsGroup>
        )}
        {pages.length > 0 && (
          <Spotlight.ActionsGroup label={t('common.palette.pages')}>
            {pages.map(({ to, label, icon: Icon }) => (
              <Spotlight.Action key={to} label={label} leftSection={<Icon size={16} />} onClick={() => void navigate({ to })} />
            ))}
          </Spotlight.ActionsGroup>
        )}
        {creates.length > 0 && (
          <Spotlight.ActionsGroup label={t('common.palette.create')}>
            {creates.map(({ key, to, search, label }) => (
              <Spotlight.Action key={key} label={label} leftSection={<IconPlus size={16} />} onClick={() => void navigate({ to, search: search as never })} />
            ))}
          </Spotlight.ActionsGroup>
        )}
        {results.length + pages.length + creates.length === 0 && (
          <Spotlight.Empty>{found.isFetching ? t('common.loading') : t('common.palette.none')}</Spotlight.Empty>
        )}
      </Spotlight.ActionsList>
    </Spotlight.Root>
  );
}
