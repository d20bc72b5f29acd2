import { Button } from '@mantine/core';
import { useForm, type UseFormReturnType } from '@mantine/form';
import { type ReactNode, useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { tell } from '../ui/edit';
import { useMay } from '../ui/me';
import { useSending } from '../ui/sending';
import { ErrorState, Loading } from '../ui/states';
import { type Known, Overtaken, type Settings, useChangeSettings, useSettings } from './api';
import classes from './Section.module.css';

/** Two columns of short inputs, one where there is no room. */
export const Two = ({ children }: { children: ReactNode }) => <div className={classes.two}>{children}</div>;

interface Frame {
  title: string;
  text?: ReactNode;
  action?: ReactNode;
  children: ReactNode;
}

/** A part of a settings page under its own heading. */
export function Section({ title, text, action, children }: Frame) {
  return (
    <section className={classes.section}>
      <div className={classes.head}>
        <h2>{title}</h2>
        {action}
      </div>
      {text && <p className={classes.text}>{text}</p>}
      {children}
    </section>
  );
}

interface Props<V extends Record<string, unknown>> {
  title: string;
  text?: ReactNode;
  /** What of the settings is edited here. */
  read(settings: Settings): V;
  /** The part of the settings that these values are, as a merge patch. */
  write(values: V, before: Settings): Partial<Settings>;
  validate?: Partial<Record<keyof V, (value: never, values: V) => ReactNode>>;
  fieldOf?(path: string): string;
  children(form: UseFormReturnType<V>): ReactNode;
}

/** Settings that are saved together. Another's changes are taken over as long as nothing was typed here. */
export function SettingsSection<V extends Record<string, unknown>>(props: Props<V>) {
  const { data, error, refetch } = useSettings();
  if (error && !data) return <ErrorState error={error} retry={() => void refetch()} />;
  return data ? <Body {...props} known={data} /> : <Loading lines={4} />;
}

function Body<V extends Record<string, unknown>>({ title, text, read, write, validate, fieldOf, children, known }: Props<V> & { known: Known }) {
  const { t } = useTranslation();
  const may = useMay()('settings', 'write');
  const change = useChangeSettings();
  const form = useForm<V>({ initialValues: read(known.settings), validate: validate as never });
  const dirty = form.isDirty();
  const shown = useRef(known.version);
  useEffect(() => {
    if (shown.current === known.version || dirty) return;
    shown.current = known.version;
    const values = read(known.settings);
    form.setInitialValues(values);
    form.setValues(values);
  }, [known, dirty, form, read]);
  const { send, busy, failure } = useSending(form, {
    onSubmit: async (values) => {
      await change(known, write(values, known.settings));
      form.resetDirty(values);
      tell(t('settings.saved'));
    },
    onError: (error) => (error.message === String(new Overtaken()) ? t('settings.overtaken') : undefined),
    fieldOf: fieldOf ?? ((path) => path.split('.').at(-1)!),
  });
  return (
    <form onSubmit={send} noValidate>
      <fieldset className={classes.section} disabled={!may} aria-label={title}>
        <div className={classes.head}><h2>{title}</h2></div>
        {text && <p className={classes.text}>{text}</p>}
        {children(form)}
        {failure}
        {may && (
          <div className={classes.foot}>
            <Button type="submit" disabled={!dirty} loading={busy}>{t('common.save')}</Button>
            {dirty && <Button variant="subtle" color="gray" onClick={() => form.reset()}>{t('settings.discard')}</Button>}
          </div>
        )}
      </fieldset>
    </form>
  );
}
