import { Avatar, Menu, UnstyledButton, useMantineColorScheme, VisuallyHidden } from '@mantine/core';
import { useDisclosure, useMediaQuery } from '@mantine/hooks';
import {
  IconAddressBook, IconBox, IconBuilding, IconChartBar, IconChartPie, IconChevronDown, IconLogout, IconMenu2, IconMessageStar,
  IconMoon, IconReceipt, IconSearch, IconSettings, IconSun, IconSunrise, IconTicket, IconUserPlus, IconUpload, IconLanguage, IconUser,
} from '@tabler/icons-react';
import { Link, Outlet, useLocation, useNavigate } from '@tanstack/react-router';
import { type ComponentType, lazy, Suspense, useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { Standing } from '../account/Standing';
import { current, end, watch } from '../api/session';
import { type Language, LANGUAGES, speak } from '../i18n';
import { useMay, useMe } from './me';
import classes from './Shell.module.css';
import { SideDrawer } from './SideDrawer';

const CommandPalette = lazy(() => import('./CommandPalette'));

interface Place {
  to: string;
  key: string;
  icon: ComponentType<{ size?: number; stroke?: number }>;
  /** What one must be allowed to read to have any use of it. */
  area?: string;
}

export const PLACES: Place[] = [
  { to: '/', key: 'today', icon: IconSunrise },
  { to: '/leads', key: 'leads', icon: IconUserPlus, area: 'leads' },
  { to: '/customers', key: 'customers', icon: IconAddressBook, area: 'contacts' },
  { to: '/companies', key: 'companies', icon: IconBuilding, area: 'companies' },
  { to: '/orders', key: 'orders', icon: IconReceipt, area: 'orders' },
  { to: '/products', key: 'products', icon: IconBox, area: 'products' },
  { to: '/tickets', key: 'tickets', icon: IconTicket, area: 'tickets' },
  { to: '/segments', key: 'segments', icon: IconChartPie, area: 'segments' },
  { to: '/surveys', key: 'surveys', icon: IconMessageStar, area: 'surveys' },
  { to: '/reports', key: 'reports', icon: IconChartBar, area: 'reports' },
  { to: '/imports', key: 'imports', icon: IconUpload },
  { to: '/settings', key: 'settings', icon: IconSettings },
];
const THUMB = ['/', '/customers', '/orders', '/tickets'];

/** Around every page of the firm: where one can go, who one is, the command palette. */
export function Shell() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const narrow = useMediaQuery('(max-width: 48em)', false, { getInitialValueInEffect: false });
  const [menu, { open, close }] = useDisclosure(false);
  const may = useMay();
  const places = PLACES.filter((place) => !place.area || may(place.area, 'read'));
  const chosen = (to: string) => (to === '/' ? pathname === '/' : pathname === to || pathname.startsWith(`${to}/`));

  useEffect(() => watch((session) => { if (!session) void navigate({ to: '/sign-in' }); }), [navigate]);
  useEffect(() => { if (!current()) void navigate({ to: '/sign-in' }); }, [navigate]);
  useEffect(close, [pathname, close]);

  const links = (
    <ul className={classes.links}>
      {places.map(({ to, key, icon: Icon }) => (
        <li key={to}>
          <Link to={to} className={classes.link} aria-current={chosen(to) ? 'page' : undefined} activeOptions={{ includeSearch: false }}>
            <Icon size={17} stroke={1.7} />
            <span>{t(`common.nav.${key}`)}</span>
          </Link>
        </li>
      ))}
    </ul>
  );
  const find = () => window.dispatchEvent(new Event('rapport:palette'));

  return (
    <div className={classes.shell}>
      <a href="#content" className="skip">{t('common.skip')}</a>
      {!narrow && (
        <nav className={`${classes.side} no-print`} aria-label={t('common.nav.label')}>
          <Who />
          <UnstyledButton className={classes.find} onClick={find}>
            <IconSearch size={15} />
            <span>{t('common.find')}</span>
            <kbd>{/Mac|iPhone|iPad/.test(navigator.userAgent) ? '⌘K' : 'Ctrl K'}</kbd>
          </UnstyledButton>
          {links}
        </nav>
      )}
      <div className={classes.beside}>
        <Standing />
        <main id="content" className={classes.content} tabIndex={-1}>
          <Outlet />
        </main>
      </div>
      {narrow && (
        <nav className={`${classes.thumb} no-print`} aria-label={t('common.nav.label')}>
          {places.filter(({ to }) => THUMB.includes(to)).map(({ to, key, icon: Icon }) => (
            <Link key={to} to={to} className={classes.thumbLink} aria-current={chosen(to) ? 'page' : undefined}>
              <Icon size={20} stroke={1.6} />
              <span>{t(`common.nav.${key}`)}</span>
            </Link>
          ))}
          <UnstyledButton className={classes.thumbLink} onClick={open}>
            <IconMenu2 size={20} stroke={1.6} />
            <span>{t('common.nav.more')}</span>
          </UnstyledButton>
          <SideDrawer label={t('common.nav.label')} opened={menu} onClose={close} size="280px" padding="sm">
            <Who />
            <UnstyledButton className={classes.find} onClick={() => { close(); find(); }}>
              <IconSearch size={15} />
              <span>{t('common.find')}</span>
            </UnstyledButton>
            {links}
          </SideDrawer>
        </nav>
      )}
      <Suspense fallback={null}>
        <CommandPalette places={places} />
      </Suspense>
    </div>
  );
}

/** The firm and the user, and what concerns only them. */
function Who() {
  const { t, i18n } = useTranslation();
  const me = useMe();
  const navigate = useNavigate();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const company = me.data?.tenant.company ?? '';
  const user = me.data?.user as { name?: string; email?: string } | null | undefined;
  const leave = async () => {
    await end();
    void navigate({ to: '/sign-in' });
  };
  return (
    <Menu position="bottom-start" shadow="md" width={230}>
      <Menu.Target>
        <UnstyledButton className={classes.who}>
          <Avatar size={24} radius={6} color="ink" variant="filled" aria-hidden>{[...company][0]?.toUpperCase()}</Avatar>
          <span className="cut" aria-hidden>{company}</span>
          <IconChevronDown size={14} />
          <VisuallyHidden>{t('common.who', { name: user?.name ?? '', company })}</VisuallyHidden>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{user?.name} · {user?.email}</Menu.Label>
        <Menu.Item leftSection={<IconUser size={15} />} component={Link} to="/settings/account">{t('common.account')}</Menu.Item>
        <Menu.Divider />
        {(Object.entries(LANGUAGES) as Array<[Language, string]>).map(([language, name]) => (
          <Menu.Item
            key={language}
            leftSection={<IconLanguage size={15} />}
            aria-current={i18n.language === language ? 'true' : undefined}
            fw={i18n.language === language ? 600 : undefined}
            lang={language}
            onClick={() => void speak(language)}
          >
            {name}
          </Menu.Item>
        ))}
        <Menu.Divider />
        {(['light', 'dark', 'auto'] as const).map((scheme) => (
          <Menu.Item
            key={scheme}
            leftSection={scheme === 'dark' ? <IconMoon size={15} /> : <IconSun size={15} />}
            fw={colorScheme === scheme ? 600 : undefined}
            onClick={() => setColorScheme(scheme)}
          >
            {t(`common.scheme.${scheme}`)}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={15} />} onClick={() => void leave()}>{t('common.signOut')}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
