import { ActionIcon, Button, Menu, Textarea } from '@mantine/core';
import { IconCheck, IconDots, IconFlame, IconLock, IconPlayerPause, IconPlayerPlay, IconRotate, IconTrash } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Ticket } from '../api/records';
import { useEdit, useRemove } from '../ui/edit';
import { FormModal } from '../ui/FormModal';
import { useMay, useMe } from '../ui/me';
import { useEscalate, useStep } from './steps';

/** The steps that a ticket's status allows: the usual next one as a button, the others in a menu. */
export function Actions({ ticket }: { ticket: Ticket }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const may = useMay();
  const me = useMe().data?.user as { id: string } | null | undefined;
  const step = useStep();
  const escalate = useEscalate();
  const edit = useEdit('tickets');
  const remove = useRemove('tickets');
  const [resolving, setResolving] = useState(false);
  if (!may('tickets', 'write')) return null;
  const { status } = ticket;
  const done = status === 'resolved' || status === 'closed';
  return (
    <>
      {!done && !ticket.assignee_id && me && (
        <Button variant="default" loading={edit.busy} onClick={() => edit.change(ticket, { assignee_id: me.id })}>{t('tickets.take')}</Button>
      )}
      {!done && <Button leftSection={<IconCheck size={15} />} loading={step.isPending} onClick={() => setResolving(true)}>{t('tickets.resolve.open')}</Button>}
      {status === 'resolved' && (
        <Button variant="default" leftSection={<IconRotate size={15} />} loading={step.isPending} onClick={() => step.mutate({ ticket, to: 'open' })}>{t('tickets.reopen')}</Button>
      )}
      <Menu position="bottom-end" shadow="md">
        <Menu.Target>
          <ActionIcon variant="default" size="md" aria-label={t('tickets.more')}><IconDots size={16} /></ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {status === 'new' && <Menu.Item leftSection={<IconPlayerPlay size={15} />} onClick={() => step.mutate({ ticket, to: 'open' })}>{t('tickets.start')}</Menu.Item>}
          {status === 'waiting' && <Menu.Item leftSection={<IconPlayerPlay size={15} />} onClick={() => step.mutate({ ticket, to: 'open' })}>{t('tickets.goOn')}</Menu.Item>}
          {(status === 'new' || status === 'open') && (
            <Menu.Item leftSection={<IconPlayerPause size={15} />} onClick={() => step.mutate({ ticket, to: 'waiting' })}>{t('tickets.wait')}</Menu.Item>
          )}
          {!done && <Menu.Item leftSection={<IconFlame size={15} />} onClick={() => escalate.mutate(ticket)}>{t('tickets.escalate')}</Menu.Item>}
          {status !== 'closed' && <Menu.Item leftSection={<IconLock size={15} />} onClick={() => step.mutate({ ticket, to: 'closed' })}>{t('tickets.closeForGood')}</Menu.Item>}
          <Menu.Item leftSection={<IconTrash size={15} />} onClick={() => remove.mutate([ticket.id], { onSuccess: () => void navigate({ to: '/tickets' }) })}>{t('common.remove')}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <FormModal
        title={t('tickets.resolve.title', { number: ticket.number })}
        opened={resolving}
        onClose={() => setResolving(false)}
        initial={{ note: '' }}
        submit={t('tickets.resolve.submit')}
        onSubmit={({ note }) => step.mutateAsync({ ticket, to: 'resolved', note: note.trim() })}
      >
        {(form) => (
          <Textarea
            label={t('tickets.resolutionNote')}
            description={t('tickets.resolve.text')}
            autosize
            minRows={4}
            maxRows={12}
            maxLength={20_000}
            data-autofocus
            {...form.getInputProps('note')}
          />
        )}
      </FormModal>
    </>
  );
}
