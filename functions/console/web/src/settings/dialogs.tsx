/** The questions and announcements that settings share. */
import { Button, CopyButton } from '@mantine/core';
import { modals } from '@mantine/modals';
import i18next from 'i18next';
import type { ReactNode } from 'react';
import classes from './Rows.module.css';

interface Question {
  title: string;
  text: ReactNode;
  confirm: string;
  onConfirm(): void;
}

/** Asks before something that cannot be taken back. */
export function ask({ title, text, confirm, onConfirm }: Question): void {
  modals.openConfirmModal({
    title,
    children: <p className="soft">{text}</p>,
    labels: { confirm, cancel: i18next.t('common.cancel') },
    confirmProps: { color: 'red.8' },
    onConfirm,
  });
}

/** A value and a button that copies it. */
export function Copyable({ value, label }: { value: string; label: string }) {
  return (
    <div className={classes.secret}>
      <code>{value}</code>
      <CopyButton value={value}>
        {({ copied, copy }) => (
          <Button variant="default" onClick={copy} aria-label={label}>{copied ? i18next.t('settings.copied') : i18next.t('settings.copy')}</Button>
        )}
      </CopyButton>
    </div>
  );
}

/** Shows what the service says only once. It closes by its button alone, so that nobody loses it by a stray click. */
export function showOnce({ title, text, value, children }: { title: string; text: string; value: string; children?: ReactNode }): void {
  const id = modals.open({
    title,
    size: 'lg',
    closeOnClickOutside: false,
    closeOnEscape: false,
    withCloseButton: false,
    children: (
      <>
        <p className="soft">{text}</p>
        <Copyable value={value} label={i18next.t('settings.copyOf', { name: title })} />
        {children}
        <div style={{ display: 'flex', justifyContent: 'flex-end' }}>
          <Button onClick={() => modals.close(id)}>{i18next.t('settings.kept')}</Button>
        </div>
      </>
    ),
  });
}
