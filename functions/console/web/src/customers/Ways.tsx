import { ActionIcon, Button, Radio, TextInput, UnstyledButton, VisuallyHidden } from '@mantine/core';
import { IconPlus, IconX } from '@tabler/icons-react';
import { type FormEvent, Fragment, type KeyboardEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import fieldClasses from '../ui/Field.module.css';
import classes from './Ways.module.css';

/** One of the ways to reach somebody: an e-mail address or a telephone number. */
export interface Way {
  text: string;
  label?: string | null;
  primary: boolean;
}

interface Props {
  label: string;
  kind: 'email' | 'tel';
  ways: Way[];
  onSave?(ways: Way[]): void;
}

/** E-mail addresses or telephone numbers: several, with what each is for, and the one to use first. */
export function Ways({ label, kind, ways, onSave }: Props) {
  const { t } = useTranslation();
  const [draft, setDraft] = useState<Way[] | null>(null);
  const shown = ways.length ? (
    ways.map((way, index) => (
      <span key={index} className={classes.way}>
        <span className={classes.text}>{way.text.split('@').map((part, at) => <Fragment key={at}>{at > 0 && <><wbr />@</>}{part}</Fragment>)}</span>
        {(way.label || (way.primary && ways.length > 1)) && (
          <span className="label"> {[way.label, way.primary && ways.length > 1 && t('customers.ways.primary')].filter(Boolean).join(' · ')}</span>
        )}
      </span>
    ))
  ) : (
    <span className={fieldClasses.none}>—</span>
  );
  const begin = () => setDraft(ways.length ? ways : [{ text: '', primary: true }]);
  const change = (index: number, part: Partial<Way>) =>
    setDraft((old) => (old ?? []).map((way, at) => (at === index ? { ...way, ...part } : part.primary ? { ...way, primary: false } : way)));
  const save = (event: FormEvent) => {
    event.preventDefault();
    const given = (draft ?? []).map((way) => ({ ...way, text: way.text.trim(), label: way.label?.trim() || undefined })).filter((way) => way.text);
    if (given.length && !given.some((way) => way.primary)) given[0]!.primary = true;
    setDraft(null);
    if (JSON.stringify(given) !== JSON.stringify(ways)) onSave?.(given);
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    setDraft(null);
  };
  if (!draft) {
    return (
      <div className={fieldClasses.field}>
        <div className="label">{label}</div>
        {onSave ? (
          <UnstyledButton className={fieldClasses.value} onClick={begin}><VisuallyHidden>{t('common.editField', { name: label })}: </VisuallyHidden>{shown}</UnstyledButton>
        ) : (
          <div className={fieldClasses.value}>{shown}</div>
        )}
      </div>
    );
  }
  return (
    <form className={classes.editor} onSubmit={save} onKeyDown={onKey} aria-label={label} noValidate>
      <div className="label">{label}</div>
      {draft.map((way, index) => (
        <div key={index} className={classes.line}>
          <Radio size="xs" checked={way.primary} aria-label={t('customers.ways.makePrimary')} title={t('customers.ways.makePrimary')} onChange={() => change(index, { primary: true })} />
          <TextInput size="xs" type={kind} autoFocus={index === draft.length - 1} aria-label={label} value={way.text} className={classes.grow} onChange={(event) => change(index, { text: event.currentTarget.value })} />
          <TextInput size="xs" aria-label={t('customers.ways.label')} placeholder={t('customers.ways.label')} value={way.label ?? ''} className={classes.small} onChange={(event) => change(index, { label: event.currentTarget.value })} />
          <ActionIcon size="sm" variant="subtle" color="gray" aria-label={t('customers.ways.remove', { name: way.text })} onClick={() => setDraft(draft.filter((_, at) => at !== index))}><IconX size={14} /></ActionIcon>
        </div>
      ))}
      <div className={classes.line}>
        {draft.length < 10 && (
          <Button variant="subtle" size="compact-sm" leftSection={<IconPlus size={12} />} onClick={() => setDraft([...draft, { text: '', primary: draft.length === 0 }])}>{t('customers.ways.add')}</Button>
        )}
        <span className={classes.grow} />
        <Button variant="default" size="compact-sm" onClick={() => setDraft(null)}>{t('common.cancel')}</Button>
        <Button type="submit" size="compact-sm">{t('common.save')}</Button>
      </div>
    </form>
  );
}
