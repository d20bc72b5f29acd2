import { ActionIcon, MultiSelect, NumberInput, Select, TagsInput, Textarea, TextInput, UnstyledButton, VisuallyHidden } from '@mantine/core';
import { IconCheck, IconPencil, IconX } from '@tabler/icons-react';
import { type KeyboardEvent, type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import classes from './Field.module.css';
import { type Kind, RecordSelect } from './RecordSelect';

export interface Editing {
  kind: 'text' | 'long' | 'choice' | 'day' | 'number' | 'tags' | 'email' | 'tel' | 'record' | 'link';
  /** Of a choice; of tags, where only these may be chosen. */
  options?: Array<{ value: string; label: string }>;
  /** What kinds of record may be chosen. */
  records?: readonly Kind[];
  required?: boolean;
}

interface Props {
  label: string;
  /** What is edited: text, a choice's value, a day, a number as text, or tags joined by commas. */
  value?: string | null;
  /** What is shown instead, such as a link. */
  children?: ReactNode;
  edit?: Editing;
  onSave?(value: string | null): void;
}

/** One field of a record: read as text, changed in place. Enter keeps, Escape leaves. */
export function Field({ label, value, children, edit, onSave }: Props) {
  const { t } = useTranslation();
  const [draft, setDraft] = useState<string | null>(null);
  const shown = children ?? (edit?.kind === 'choice' ? edit.options?.find((option) => option.value === value)?.label ?? value : value);
  const read = shown === null || shown === undefined || shown === '' ? <span className={classes.none}>—</span> : shown;
  const save = (next: string | null = draft) => {
    const clean = next?.trim() || null;
    setDraft(null);
    if (clean === (value || null) || (edit?.required && !clean)) return;
    onSave?.(clean);
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'Escape') {
      event.stopPropagation();
      setDraft(null);
    }
    if (event.key === 'Enter' && edit?.kind !== 'record' && !event.nativeEvent.isComposing && (edit?.kind !== 'long' || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      save();
    }
  };
  const common = { 'aria-label': label, size: 'xs' as const, autoFocus: true, onKeyDown: onKey, className: classes.input };

  return (
    <div className={classes.field}>
      <div className="label">{label}</div>
      {draft === null || !edit ? (
        (edit?.kind === 'record' || edit?.kind === 'link') && onSave && value ? (
          // The value is a link of its own, which cannot lie in a button.
          <div className={classes.linked}>
            <span className={classes.value}>{read}</span>
            <ActionIcon size="sm" variant="subtle" color="gray" aria-label={t('common.editField', { name: label })} onClick={() => setDraft(value)}><IconPencil size={14} /></ActionIcon>
          </div>
        ) : edit && onSave ? (
          <UnstyledButton className={classes.value} onClick={() => setDraft(value ?? '')}>
            <VisuallyHidden>{t('common.editField', { name: label })}: </VisuallyHidden>
            {read}
          </UnstyledButton>
        ) : (
          <div className={classes.value}>{read}</div>
        )
      ) : (
        <div className={classes.editor} onBlur={(event) => !event.currentTarget.contains(event.relatedTarget) && edit.kind !== 'choice' && edit.kind !== 'record' && save()}>
          {edit.kind === 'choice' ? (
            <Select {...common} data={edit.options ?? []} value={draft || null} clearable={!edit.required} searchable defaultDropdownOpened
              onChange={(next) => save(next ?? '')} onDropdownClose={() => setDraft(null)} comboboxProps={{ width: 'max-content', position: 'bottom-start' }} />
          ) : edit.kind === 'record' ? (
            <RecordSelect {...common} label={label} hideLabel kinds={edit.records ?? []} value={draft || null} clearable={!edit.required} defaultDropdownOpened
              onChange={(id) => save(id ?? '')} onDropdownClose={() => setDraft(null)} />
          ) : edit.kind === 'long' ? (
            <Textarea {...common} autosize minRows={2} maxRows={10} value={draft} onChange={(event) => setDraft(event.currentTarget.value)} />
          ) : edit.kind === 'number' ? (
            <NumberInput {...common} value={draft} onChange={(next) => setDraft(String(next))} hideControls />
          ) : edit.kind === 'tags' && edit.options ? (
            <MultiSelect {...common} data={edit.options} value={draft ? draft.split(',') : []} onChange={(next) => setDraft(next.join(','))} defaultDropdownOpened />
          ) : edit.kind === 'tags' ? (
            <TagsInput {...common} value={draft ? draft.split(',') : []} onChange={(next) => setDraft(next.join(','))} />
          ) : (
            <TextInput {...common} type={edit.kind === 'day' ? 'date' : edit.kind === 'link' ? 'url' : edit.kind} value={draft} onChange={(event) => setDraft(event.currentTarget.value)} />
          )}
          {edit.kind !== 'choice' && edit.kind !== 'record' && (
            <>
              <ActionIcon size="sm" variant="subtle" aria-label={t('common.save')} onClick={() => save()}><IconCheck size={14} /></ActionIcon>
              <ActionIcon size="sm" variant="subtle" color="gray" aria-label={t('common.cancel')} onMouseDown={(event) => event.preventDefault()} onClick={() => setDraft(null)}><IconX size={14} /></ActionIcon>
            </>
          )}
        </div>
      )}
    </div>
  );
}
