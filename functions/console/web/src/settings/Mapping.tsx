import { ActionIcon, Autocomplete, Button, Group, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconArrowLeft, IconX } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { useSending } from '../ui/sending';
import type { Source } from './api';
import classes from './Mapping.module.css';
import { FIELDS, linesOf, mappingPatch } from './mapping';
import { Section } from './Section';

interface Props {
  source: Source;
  may: boolean;
  save(change: object): Promise<unknown>;
}

/** Which part of a message gives which field; without a line, fields are taken by their own names. */
export function Mapping({ source, may, save }: Props) {
  const { t } = useTranslation();
  const before = source.mapping as Record<string, string> | undefined;
  const form = useForm({ initialValues: { lines: linesOf(before) } });
  const { send, busy, failure } = useSending(form, {
    onSubmit: ({ lines }) => save({ mapping: mappingPatch(lines, before) }),
  });
  return (
    <Section title={t('settings.sources.mapping')} text={t('settings.sources.mappingText')}>
      <form onSubmit={send} noValidate>
        <fieldset disabled={!may} className={classes.lines} style={{ border: 0, padding: 0, margin: 0 }} aria-label={t('settings.sources.mapping')}>
          {form.values.lines.map((line, at) => (
            <div key={at} className={classes.line}>
              <Autocomplete size="xs" aria-label={t('settings.sources.field')} placeholder={t('settings.sources.field')} data={FIELDS[source.target]} maxLength={80} {...form.getInputProps(`lines.${at}.field`)} />
              <IconArrowLeft size={14} className="soft" aria-hidden />
              <TextInput size="xs" aria-label={t('settings.sources.path', { field: line.field })} placeholder="$.contact.email" maxLength={500} {...form.getInputProps(`lines.${at}.path`)} />
              <ActionIcon variant="subtle" color="gray" size="sm" aria-label={t('settings.sources.dropLine', { field: line.field })} onClick={() => form.removeListItem('lines', at)}><IconX size={14} /></ActionIcon>
            </div>
          ))}
          {failure}
          {may && (
            <Group gap="xs">
              <Button variant="default" onClick={() => form.insertListItem('lines', { field: '', path: '' })}>{t('settings.sources.addLine')}</Button>
              {form.isDirty() && <Button type="submit" loading={busy}>{t('common.save')}</Button>}
            </Group>
          )}
        </fieldset>
      </form>
    </Section>
  );
}
