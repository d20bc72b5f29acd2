import type { UseFormReturnType } from '@mantine/form';
import { type FormEvent, type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { attempt } from '../api/client';
import { ApiError } from '../api/error';
import classes from './FormModal.module.css';
import { notOpen } from './notOpen';

interface Sending<V extends Record<string, unknown>> {
  /** Does it. `attempt` is the same for repetitions after a broken connection, so that it is done once. */
  onSubmit(values: V, attempt: string): Promise<unknown>;
  /** Instead of the words of the service, for an error that the form can do something about. */
  onError?(error: ApiError, values: V): ReactNode | undefined;
  /** The name that the service gives a field, where the form's is another. */
  fieldOf?(path: string): string;
  /** The words of a fault, where the service's own are not the reader's. */
  faultOf?(code: string, detail: string): string;
  onDone?(): void;
}

/** Sends a form: what was typed stays until the service has taken it, and the faults that it finds stand at their fields. */
export function useSending<V extends Record<string, unknown>>(form: UseFormReturnType<V>, props: Sending<V>) {
  const { t } = useTranslation();
  const [name, setName] = useState(attempt);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<ReactNode>(null);
  const send = form.onSubmit(async (values) => {
    setBusy(true);
    setFailure(null);
    try {
      await props.onSubmit(values, name);
      setName(attempt());
      props.onDone?.();
    } catch (error) {
      const problem = error instanceof ApiError ? error : new ApiError(-1, 'unknown', String(error));
      // Without an answer nobody knows whether it was done: the same attempt is repeated. A refusal begins a new one.
      if (problem.status !== 0) setName(attempt());
      const own = props.onError?.(problem, values);
      const words = props.faultOf ? problem.faults.map((fault) => ({ ...fault, detail: props.faultOf!(fault.code, fault.detail) })) : problem.faults;
      const told = new ApiError(problem.status, problem.code, problem.message, words).fields();
      const faults = Object.fromEntries(Object.entries(told).map(([path, text]) => [props.fieldOf?.(path) ?? path, text]));
      form.setErrors(faults);
      const placed = Object.keys(faults).some((path) => path.split('.')[0]! in values);
      setFailure(
        own ?? (
          <>
            {problem.status === 0 ? t('common.offline.form') : placed ? t('common.form.check') : notOpen(problem) || [problem.message, ...Object.values(faults)].join(' · ')}
            {problem.requestId && <div className="soft">{t('common.request', { id: problem.requestId })}</div>}
          </>
        ),
      );
    } finally {
      setBusy(false);
    }
  });
  return {
    send: send as (event?: FormEvent<HTMLFormElement>) => void,
    busy,
    failure: failure && <div role="alert" className={classes.failure}>{failure}</div>,
  };
}
