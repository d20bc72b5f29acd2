import { Button, Select } from '@mantine/core';
import { IconUserPlus } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client';
import { keys, records, type User, useGrowing, useList } from '../api/records';
import { current } from '../api/session';
import { tell, tellError, useEdit, useRemove } from '../ui/edit';
import { useFormats } from '../ui/format';
import { useMay, useMe } from '../ui/me';
import { Tag, type Tone } from '../ui/Tag';
import type { Invitation } from './api';
import { ask } from './dialogs';
import Invite from './Invite';
import { ROLES } from './roles';
import { GrowingRows, Row, Terms } from './Rows';
import { Section } from './Section';
import { SettingsPage } from './SettingsPage';

/** Who works with the firm's records, and who is invited to. */
export default function People() {
  const { t } = useTranslation();
  const may = useMay()('users', 'write');
  const [inviting, invite] = useState(false);
  const users = useList('users', {});
  return (
    <SettingsPage
      wide
      title={t('settings.nav.people')}
      intro={t('settings.people.intro')}
      actions={may && <Button leftSection={<IconUserPlus size={15} />} onClick={() => invite(true)}>{t('settings.people.invite')}</Button>}
    >
      <Section title={t('settings.people.users')}>
        <GrowingRows list={users} label={t('settings.people.users')} none="">
          {(user) => <UserRow key={user.id} user={user} may={may} />}
        </GrowingRows>
      </Section>
      <Section title={t('settings.people.invitations')}>
        <Invitations may={may} />
      </Section>
      <Section title={t('settings.people.roles')}>
        <Terms terms={ROLES.map((role) => ({ key: role, name: t(`settings.roles.${role}.name`), text: t(`settings.roles.${role}.text`) }))} />
      </Section>
      <Invite opened={inviting} onClose={() => invite(false)} />
    </SettingsPage>
  );
}

function UserRow({ user, may }: { user: User; may: boolean }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const mine = useMe().data?.role;
  const edit = useEdit('users');
  const remove = useRemove('users');
  const restore = useMutation({
    mutationFn: () => records.restore('users', user.id),
    onSuccess: () => tell(t('settings.people.back', { name: user.name })),
    onError: tellError,
    onSettled: () => client.invalidateQueries({ queryKey: keys.noun('users') }),
  });
  const own = user.id === current()?.user;
  const active = user.status === 'active';
  // Owners are changed by owners only.
  const change = may && (user.role !== 'owner' || mine === 'owner');
  return (
    <Row
      title={user.name}
      beside={<>{own && <Tag>{t('settings.people.you')}</Tag>}{!active && <Tag tone="yellow">{t('settings.people.deactivated')}</Tag>}</>}
      sub={user.email}
      actions={
        <>
          {change && active && !own ? (
            <Select
              size="xs"
              w={180}
              aria-label={t('settings.people.roleOf', { name: user.name })}
              value={user.role}
              allowDeselect={false}
              disabled={edit.busy}
              data={ROLES.filter((role) => role !== 'owner' || mine === 'owner').map((value) => ({ value, label: t(`settings.roles.${value}.name`) }))}
              onChange={(role) => role && role !== user.role && edit.change(user, { role })}
            />
          ) : (
            <span className="soft">{t(`settings.roles.${user.role}.name`)}</span>
          )}
          {change && !own && (active ? (
            <Button variant="default" loading={remove.isPending} onClick={() => remove.mutate([user.id])}>{t('settings.people.deactivate')}</Button>
          ) : (
            <Button variant="default" loading={restore.isPending} onClick={() => restore.mutate()}>{t('settings.people.restore')}</Button>
          ))}
        </>
      }
    />
  );
}

const TONES: Record<Invitation['status'], Tone> = { pending: 'blue', accepted: 'green', revoked: 'gray', expired: 'yellow' };

function Invitations({ may }: { may: boolean }) {
  const { t } = useTranslation();
  const format = useFormats();
  const client = useQueryClient();
  const list = useGrowing<Invitation>(['invitations'], '/v1/invitations', {});
  const revoke = useMutation({
    mutationFn: (id: string) => api.DELETE('/v1/invitations/{id}', { params: { path: { id } } }),
    onError: tellError,
    onSettled: () => client.invalidateQueries({ queryKey: ['invitations'] }),
  });
  return (
    <GrowingRows list={list} label={t('settings.people.invitations')} none={t('settings.people.noInvitations')}>
      {(invitation) => (
        <Row
          key={invitation.id}
          title={invitation.email}
          beside={<Tag tone={TONES[invitation.status]}>{t(`settings.people.status.${invitation.status}`)}</Tag>}
          sub={[
            t(`settings.roles.${invitation.role}.name`),
            invitation.status === 'pending' ? t('settings.people.until', { day: format.dayOf(invitation.expires_at) }) : format.dayOf(invitation.created_at),
          ].join(' · ')}
          actions={
            may && invitation.status === 'pending' && (
              <Button
                variant="default"
                onClick={() =>
                  ask({
                    title: t('settings.people.revoke'),
                    text: t('settings.people.revokeSure', { email: invitation.email }),
                    confirm: t('settings.people.revoke'),
                    onConfirm: () => revoke.mutate(invitation.id),
                  })
                }
              >
                {t('settings.people.revoke')}
              </Button>
            )
          }
        />
      )}
    </GrowingRows>
  );
}
