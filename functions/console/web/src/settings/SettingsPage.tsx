import { NativeSelect } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { Link, useLocation, useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useMay } from '../ui/me';
import { Page } from '../ui/Page';
import classes from './SettingsPage.module.css';

/** The sections in their groups; `area` is what one must be allowed to read. */
const GROUPS: Array<{ key: string; sections: Array<{ key: string; to: string; area?: string }> }> = [
  { key: 'you', sections: [{ key: 'account', to: '/settings/account' }, { key: 'welcome', to: '/welcome' }] },
  {
    key: 'firm',
    sections: [
      { key: 'firm', to: '/settings', area: 'settings' },
      { key: 'people', to: '/settings/people', area: 'users' },
      { key: 'service', to: '/settings/service', area: 'settings' },
      { key: 'scoring', to: '/settings/scoring', area: 'settings' },
      { key: 'fields', to: '/settings/fields', area: 'settings' },
      { key: 'plan', to: '/settings/plan', area: 'account' },
      { key: 'data', to: '/settings/data', area: 'account' },
    ],
  },
  {
    key: 'connections',
    sections: [
      { key: 'sources', to: '/settings/sources', area: 'webhooks' },
      { key: 'webhooks', to: '/settings/webhooks', area: 'webhooks' },
      { key: 'apiKeys', to: '/settings/api-keys', area: 'api_keys' },
    ],
  },
];

interface Props {
  /** The section, or within it the record, whose page this is. */
  title: string;
  above?: ReactNode;
  beside?: ReactNode;
  actions?: ReactNode;
  /** What the section is for, in a sentence or two. */
  intro?: ReactNode;
  /** Lists need more room than forms. */
  wide?: boolean;
  children: ReactNode;
}

/** A page of the settings, beside the list of all of them. */
export function SettingsPage({ title, above, beside, actions, intro, wide, children }: Props) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const may = useMay();
  const narrow = useMediaQuery('(max-width: 48em)', false, { getInitialValueInEffect: false });
  const groups = GROUPS.map((group) => ({ ...group, sections: group.sections.filter(({ area }) => !area || may(area, 'read')) })).filter(
    ({ sections }) => sections.length,
  );
  const here = (to: string) => pathname === to || (to !== '/settings' && pathname.startsWith(`${to}/`));
  const current = groups.flatMap(({ sections }) => sections).find(({ to }) => here(to));
  return (
    <Page fixed title={title} above={above} beside={beside} actions={actions}>
      <div className={classes.split}>
        {narrow ? (
          <div className={classes.choose}>
            <NativeSelect
              aria-label={t('settings.sections')}
              value={current?.to}
              onChange={(event) => void navigate({ to: event.currentTarget.value })}
              data={groups.map(({ key, sections }) => ({
                group: t(`settings.groups.${key}`),
                items: sections.map((section) => ({ value: section.to, label: t(`settings.nav.${section.key}`) })),
              }))}
            />
          </div>
        ) : (
          <nav className={classes.sections} aria-label={t('settings.sections')}>
            {groups.map(({ key, sections }) => (
              <div key={key}>
                <div className={classes.group} id={`settings-${key}`}>{t(`settings.groups.${key}`)}</div>
                <ul className={classes.list} aria-labelledby={`settings-${key}`}>
                  {sections.map((section) => (
                    <li key={section.to}>
                      <Link to={section.to} className={classes.link} activeOptions={{ exact: true, includeSearch: false }} aria-current={here(section.to) ? 'page' : undefined}>
                        {t(`settings.nav.${section.key}`)}
                      </Link>
                    </li>
                  ))}
                </ul>
              </div>
            ))}
          </nav>
        )}
        <div className={classes.content}>
          <div className={classes.column} data-wide={wide || undefined}>
            {intro && <p className={classes.intro}>{intro}</p>}
            {children}
          </div>
        </div>
      </div>
    </Page>
  );
}
