import { Button, Skeleton, Stack } from '@mantine/core';
import { IconLock, IconMoodSad, IconPlugConnectedX, IconZoomExclamation } from '@tabler/icons-react';
import { Link, useRouter } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '../api/error';
import classes from './states.module.css';

interface StateProps {
  icon?: ReactNode;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}

/** A place with nothing in it: says what would be here and what to do next. */
export function EmptyState({ icon, title, children, action }: StateProps) {
  return (
    <div className={classes.state}>
      {icon && <div className={classes.icon}>{icon}</div>}
      <h2 className={classes.title}>{title}</h2>
      {children && <p className={classes.text}>{children}</p>}
      {action && <div className={classes.action}>{action}</div>}
    </div>
  );
}

/** Something that did not load: in words, with the number that support asks for. */
export function ErrorState({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useTranslation();
  const failure = error instanceof ApiError ? error : null;
  if (failure?.status === 404) return <NotFound />;
  if (failure?.status === 403) {
    return <EmptyState icon={<IconLock />} title={t('common.forbidden.title')}>{t('common.forbidden.text')}</EmptyState>;
  }
  const offline = failure?.status === 0;
  return (
    <div role="alert">
      <EmptyState
        icon={offline ? <IconPlugConnectedX /> : <IconMoodSad />}
        title={offline ? t('common.offline.title') : t('common.failed.title')}
        action={retry && <Button variant="default" onClick={retry}>{t('common.retry')}</Button>}
      >
        {offline ? t('common.offline.text') : failure?.message || t('common.failed.text')}
        {failure?.requestId && <span className={classes.request}>{t('common.request', { id: failure.requestId })}</span>}
      </EmptyState>
    </div>
  );
}

export function NotFound() {
  const { t } = useTranslation();
  return (
    <EmptyState
      icon={<IconZoomExclamation />}
      title={t('common.missing.title')}
      action={<Button component={Link} to="/" variant="default">{t('common.missing.home')}</Button>}
    >
      {t('common.missing.text')}
    </EmptyState>
  );
}

/** Lines where text will be. */
export function Loading({ lines = 6 }: { lines?: number }) {
  const { t } = useTranslation();
  return (
    <Stack p="lg" gap="sm" role="status" aria-label={t('common.loading')}>
      {Array.from({ length: lines }, (_, line) => (
        <Skeleton key={line} height={14} width={`${90 - ((line * 17) % 45)}%`} />
      ))}
    </Stack>
  );
}

export const PageLoading = () => <Loading />;

export function PageError({ error }: { error: unknown }) {
  const router = useRouter();
  return <ErrorState error={error} retry={() => void router.invalidate()} />;
}
