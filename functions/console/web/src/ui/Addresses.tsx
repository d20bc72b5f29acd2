import { Button, Modal, Select, SimpleGrid, Stack, Textarea, TextInput, UnstyledButton, VisuallyHidden } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { type FormEvent, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { components } from '../api/schema.gen';
import classes from './Field.module.css';
import { nameOf } from './names';
import { countryOptions } from './places';

type Address = Partial<Omit<components['schemas']['Address'], 'primary'>> & { primary: boolean };

interface Props {
  label: string;
  addresses: Address[] | undefined;
  onSave?(addresses: Address[]): void;
}

/** An address on one line, without the country's code. */
export const addressLine = (address: Address, language: string): string =>
  [address.street, [address.postal_code, address.city].filter(Boolean).join(' '), address.region, nameOf('region', address.country, language)].filter(Boolean).join(', ');

/** Postal addresses, each opened in a dialogue to change it. */
export function Addresses({ label, addresses = [], onSave }: Props) {
  const { t, i18n } = useTranslation();
  const [edited, setEdited] = useState<number | null>(null);
  const read = (address: Address) => (
    <>
      {addressLine(address, i18n.language)}
      {address.label && <span className="label"> {address.label}</span>}
    </>
  );
  const keep = (next: Address | null) => {
    const rest = addresses.map((address, at) => (at === edited ? next : address)).concat(edited === addresses.length ? [next] : []).filter((address) => address !== null);
    if (rest.length && !rest.some((address) => address.primary)) rest[0] = { ...rest[0], primary: true };
    setEdited(null);
    onSave?.(rest);
  };
  return (
    <div className={classes.field}>
      <div className="label">{label}</div>
      <div style={{ minWidth: 0 }}>
        {addresses.map((address, index) =>
          onSave ? (
            <UnstyledButton key={index} className={classes.value} onClick={() => setEdited(index)}><VisuallyHidden>{t('common.editField', { name: `${label} ${index + 1}` })}: </VisuallyHidden>{read(address)}</UnstyledButton>
          ) : (
            <div key={index} className={classes.value}>{read(address)}</div>
          ),
        )}
        {onSave && addresses.length < 10 ? (
          <Button variant="subtle" color="gray" size="compact-sm" ml={2} leftSection={<IconPlus size={12} />} onClick={() => setEdited(addresses.length)}>{t('common.address.add')}</Button>
        ) : (
          addresses.length === 0 && <div className={classes.value}><span className={classes.none}>—</span></div>
        )}
      </div>
      <Modal opened={edited !== null} onClose={() => setEdited(null)} title={label} closeButtonProps={{ 'aria-label': t('common.close') }}>
        {edited !== null && <AddressForm address={addresses[edited]} onSave={keep} />}
      </Modal>
    </div>
  );
}

function AddressForm({ address, onSave }: { address?: Address; onSave(address: Address | null): void }) {
  const { t, i18n } = useTranslation();
  const countries = useMemo(() => countryOptions(i18n.language), [i18n.language]);
  const [draft, setDraft] = useState<Address>(address ?? { primary: false });
  const input = (key: 'street' | 'city' | 'region' | 'postal_code' | 'country' | 'label', label: string) => ({
    label,
    value: draft[key] ?? '',
    onChange: (event: { currentTarget: { value: string } }) => setDraft({ ...draft, [key]: event.currentTarget.value || undefined }),
  });
  const save = (event: FormEvent) => {
    event.preventDefault();
    const given = Object.values(draft).some((value) => typeof value === 'string' && value.trim());
    onSave(given ? draft : null);
  };
  return (
    <form onSubmit={save}>
      <Stack gap="sm">
        <Textarea autosize minRows={1} maxRows={4} data-autofocus {...input('street', t('common.address.street'))} />
        <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
          <TextInput {...input('postal_code', t('common.address.postal_code'))} />
          <TextInput {...input('city', t('common.address.city'))} />
          <TextInput {...input('region', t('common.address.region'))} />
          <Select label={t('common.address.country')} searchable clearable={Boolean(draft.country)} clearButtonProps={{ 'aria-label': t('common.select.clear', { name: t('common.address.country') }) }} data={countries} value={draft.country ?? null} onChange={(country) => setDraft({ ...draft, country: country ?? undefined })} />
          <TextInput placeholder={t('common.address.labelHint')} {...input('label', t('common.address.label'))} />
        </SimpleGrid>
        <div style={{ display: 'flex', gap: 8, justifyContent: 'flex-end' }}>
          {address && <Button variant="default" mr="auto" onClick={() => onSave(null)}>{t('common.remove')}</Button>}
          <Button type="submit">{t('common.save')}</Button>
        </div>
      </Stack>
    </form>
  );
}
