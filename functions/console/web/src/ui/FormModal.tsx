import { Button, Group, Modal, Stack } from '@mantine/core';
import { useForm, type UseFormReturnType } from '@mantine/form';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { attempt } from '../api/client';
import { ApiError } from '../api/error';
import classes from './FormModal.module.css';

type Values = Record<string, unknown>;

interface Props<V extends Values> {
  title: string;
  opened: boolean;
  onClose(): void;
  initial: V;
  validate?: Partial<Record<keyof V, (value: never, values: V) => ReactNode>>;
  submit: string;
  /** Does it. `attempt` is the same for repetitions after a broken connection, so that it is done once. */
  onSubmit(values: V, attempt: string): Promise<unknown>;
  /** Instead of the words of the service, for an error that the form can do something about. */
  onError?(error: ApiError, values: V): ReactNode | undefined;
  /** The name that the service gives a field, where the form's is another. */
  fieldOf?(path: string): string;
  children(form: UseFormReturnType<V>): ReactNode;
  size?: string;
}

/** A dialogue to fill in. Faults that the service finds are shown at their fields. */
export function FormModal<V extends Values>(props: Props<V>) {
  return (
    <Modal opened={props.opened} onClose={props.onClose} title={props.title} size={props.size ?? 'md'}>
      {props.opened && <Body {...props} />}
    </Modal>
  );
}

function Body<V extends Values>({ initial, validate, submit, onSubmit, onError, fieldOf, children, onClose }: Props<V>) {
  const { t } = useTranslation();
  const [name, setName] = useState(attempt);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<ReactNode>(null);
  const form = useForm<V>({ initialValues: initial, validate: validate as never });
  const send = form.onSubmit(async (values) => {
    setBusy(true);
    setFailure(null);
    try {
      await onSubmit(values, name);
      onClose();
    } catch (error) {
      const problem = error instanceof ApiError ? error : new ApiError(-1, 'unknown', String(error));
      // Without an answer nobody knows whether it was done: the same attempt is repeated. A refusal begins a new one.
      if (problem.status !== 0) setName(attempt());
      const own = onError?.(problem, values);
      const faults = Object.fromEntries(Object.entries(problem.fields()).map(([path, text]) => [fieldOf?.(path) ?? path, text]));
      form.setErrors(faults);
      const placed = Object.keys(faults).some((path) => path.split('.')[0]! in values);
      setFailure(
        own ?? (
          <>
            {problem.status === 0 ? t('common.offline.form') : placed ? t('common.form.check') : [problem.message, ...Object.values(faults)].join(' · ')}
            {problem.requestId && <div className="soft">{t('common.request', { id: problem.requestId })}</div>}
          </>
        ),
      );
    } finally {
      setBusy(false);
    }
  });
  return (
    <form onSubmit={send} noValidate>
      <Stack gap="sm">
        {children(form)}
        {failure && <div role="alert" className={classes.failure}>{failure}</div>}
        <Group justify="flex-end" mt="xs">
          <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
          <Button type="submit" loading={busy}>{submit}</Button>
        </Group>
      </Stack>
    </form>
  );
}
