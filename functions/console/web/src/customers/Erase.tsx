import { Button, Group, Modal } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Contact } from '../api/records';
import { tellError } from '../ui/edit';
import { useErase } from './api';
import classes from './Erase.module.css';

/** Asks before a person is erased: what goes, what stays, where the person still is. */
export default function Erase({ contact, onClose }: { contact: Contact; onClose(): void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const erase = useErase();
  const { mutate, isPending } = useMutation({
    mutationFn: () => erase(contact.id),
    onSuccess: () => {
      onClose();
      // A record that was merged is erased as the one that stayed.
      void navigate({ to: `/customers/${contact.id}`, replace: true });
    },
    onError: tellError,
  });
  return (
    <Modal opened onClose={onClose} title={t('customers.erase.title', { name: contact.name })} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <div className={classes.erase}>
        <p>{t('customers.erase.text')}</p>
        <section>
          <h3>{t('customers.erase.gone')}</h3>
          <ul>
            <li>{t('customers.erase.goes.contact')}</li>
            <li>{t('customers.erase.goes.more')}</li>
            <li>{t('customers.erase.goes.search')}</li>
          </ul>
        </section>
        <section>
          <h3>{t('customers.erase.left')}</h3>
          <ul>
            <li>{t('customers.erase.stays.orders')}</li>
            <li>{t('customers.erase.stays.sums')}</li>
          </ul>
        </section>
        <p>{t('customers.erase.archives')}</p>
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
          <Button color="red.8" loading={isPending} onClick={() => mutate()}>{t('customers.erase.submit')}</Button>
        </Group>
      </div>
    </Modal>
  );
}
