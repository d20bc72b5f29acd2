import { Button, Collapse, Select, Stack, TextInput, UnstyledButton } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useDisclosure } from '@mantine/hooks';
import { Link, useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { answer, api } from '../api/client';
import { begin } from '../api/session';
import { LANGUAGES } from '../i18n';
import { browserZone, countryOptions, currencyOf, currencyOptions, guessCountry, zoneOptions } from '../ui/places';
import { useSending } from '../ui/sending';
import { faultWords } from './faults';
import { NewPassword } from './NewPassword';
import { Outside } from './Outside';
import classes from './Outside.module.css';
import { broken } from './password';

export default function SignUp() {
  const { t, i18n } = useTranslation();
  const navigate = useNavigate();
  const [more, { toggle, open }] = useDisclosure(false);
  const language = i18n.language;
  const countries = useMemo(() => countryOptions(language), [language]);
  const currencies = useMemo(() => currencyOptions(language), [language]);
  const zones = useMemo(() => zoneOptions(browserZone()), []);
  const country = guessCountry(browserZone(), navigator.languages);
  const needed = (key: string) => (text: string) => (text.trim() ? null : t(`auth.needed.${key}`));
  const form = useForm({
    initialValues: { company: '', name: '', email: '', password: '', country, currency: currencyOf(country), time_zone: browserZone(), locale: '' },
    validate: {
      company: needed('company'),
      name: needed('name'),
      email: (email) => (/^\S+@\S+\.\S+$/.test(email.trim()) ? null : t('auth.needed.email')),
      password: (password, values) => (broken(password, [values.email, values.name, values.company]).length ? t('auth.faults.password_weak') : null),
    },
  });
  const { send, busy, failure } = useSending(form, {
    onSubmit: async (values) => {
      const welcome = await answer(
        api.POST('/v1/signup', { body: { ...values, email: values.email.trim(), locale: values.locale || language } }),
      );
      begin(welcome);
      await navigate({ to: '/welcome' });
    },
    onError: (error) => {
      if (error.faults.some(({ pointer }) => /country|currency|time_zone|locale/.test(pointer))) open();
      if (error.status === 429) return t('auth.tooMany');
      return error.code === 'login_exists' ? (
        <>
          {t('auth.signUp.known')} <Link to="/sign-in" search={{ email: form.values.email } as never}>{t('auth.signIn.submit')}</Link>
        </>
      ) : undefined;
    },
    faultOf: faultWords(t),
  });
  const chosen = (key: 'country' | 'currency' | 'time_zone') => ({ ...form.getInputProps(key), allowDeselect: false, searchable: true, limit: 300 });
  return (
    <Outside
      title={t('auth.signUp.title')}
      text={t('auth.signUp.text')}
      foot={<span>{t('auth.signUp.member')} <Link to="/sign-in">{t('auth.signIn.submit')}</Link></span>}
    >
      <form onSubmit={send} noValidate>
        <Stack gap="sm">
          <TextInput label={t('auth.company')} autoComplete="organization" maxLength={200} autoFocus {...form.getInputProps('company')} />
          <TextInput label={t('auth.name')} autoComplete="name" maxLength={200} {...form.getInputProps('name')} />
          <TextInput label={t('auth.email')} type="email" autoComplete="username" {...form.getInputProps('email')} />
          <NewPassword label={t('auth.password')} own={[form.values.email, form.values.name, form.values.company]} {...form.getInputProps('password')} />
          <UnstyledButton className={classes.more} aria-expanded={more} onClick={toggle}>
            {t('auth.signUp.place', { country: countries.find(({ value }) => value === form.values.country)?.label, currency: form.values.currency })}{' '}
            <span className={classes.change}>{more ? t('auth.signUp.less') : t('auth.signUp.more')}</span>
          </UnstyledButton>
          <Collapse expanded={more}>
            <Stack gap="sm">
              <Select label={t('auth.country')} data={countries} {...chosen('country')}
                onChange={(value) => value && form.setValues({ country: value, currency: currencyOf(value) })} />
              <Select label={t('auth.currency')} data={currencies} {...chosen('currency')} />
              <Select label={t('auth.zone')} data={zones} {...chosen('time_zone')} limit={600} />
              <Select label={t('auth.mails')} allowDeselect={false} data={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))}
                {...form.getInputProps('locale')} value={form.values.locale || language} />
            </Stack>
          </Collapse>
          {failure}
          <Button type="submit" size="sm" loading={busy} fullWidth>{t('auth.signUp.submit')}</Button>
        </Stack>
      </form>
    </Outside>
  );
}
