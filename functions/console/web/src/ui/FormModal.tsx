import { Button, Group, Modal, Stack } from '@mantine/core';
import { useForm, type UseFormReturnType } from '@mantine/form';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { ApiError } from '../api/error';
import { useSending } from './sending';

type Values = Record<string, unknown>;

interface Props<V extends Values> {
  title: string;
  opened: boolean;
  onClose(): void;
  initial: V;
  validate?: Partial<Record<keyof V, (value: never, values: V) => ReactNode>>;
  submit: string;
  /** It cannot be taken back, or not for long. */
  danger?: boolean;
  /** Does it. `attempt` is the same for repetitions after a broken connection, so that it is done once. */
  onSubmit(values: V, attempt: string): Promise<unknown>;
  /** Instead of the words of the service, for an error that the form can do something about. */
  onError?(error: ApiError, values: V): ReactNode | undefined;
  /** The name that the service gives a field, where the form's is another. */
  fieldOf?(path: string): string;
  /** The words of a fault, where the service's own are not the reader's. */
  faultOf?(code: string, detail: string): string;
  children(form: UseFormReturnType<V>): ReactNode;
  size?: string;
}

/** A dialogue to fill in. Faults that the service finds are shown at their fields. */
export function FormModal<V extends Values>(props: Props<V>) {
  const { t } = useTranslation();
  return (
    <Modal opened={props.opened} onClose={props.onClose} title={props.title} size={props.size ?? 'md'} closeButtonProps={{ 'aria-label': t('common.close') }}>
      {props.opened && <Body {...props} />}
    </Modal>
  );
}

function Body<V extends Values>({ initial, validate, submit, danger, onSubmit, onError, fieldOf, faultOf, children, onClose }: Props<V>) {
  const { t } = useTranslation();
  const form = useForm<V>({ initialValues: initial, validate: validate as never });
  const { send, busy, failure } = useSending(form, { onSubmit, onError, fieldOf, faultOf, onDone: onClose });
  return (
    <form onSubmit={send} noValidate>
      <Stack gap="sm">
        {children(form)}
        {failure}
        <Group justify="flex-end" mt="xs">
          <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
          <Button type="submit" color={danger ? 'red.8' : undefined} loading={busy}>{submit}</Button>
        </Group>
      </Stack>
    </form>
  );
}
