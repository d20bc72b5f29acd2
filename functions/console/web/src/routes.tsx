import type { QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent, Outlet, redirect,
} from '@tanstack/react-router';
import { current } from './api/session';
import { NotFound, PageError, PageLoading } from './ui/states';
import { Shell } from './ui/Shell';

interface Context {
  client: QueryClient;
}

const root = createRootRouteWithContext<Context>()({ component: Outlet });

/** Pages for whoever has no account yet, or is not signed in. */
const outside = [
  ['/sign-in', () => import('./auth/SignIn')],
  ['/sign-up', () => import('./auth/SignUp')],
  ['/forgot-password', () => import('./auth/ForgotPassword')],
  ['/reset-password', () => import('./auth/ResetPassword')],
  ['/accept-invitation', () => import('./auth/AcceptInvitation')],
] as const;

/** Pages of the firm. */
const inside = [
  ['/', () => import('./today/Today')],
  ['/welcome', () => import('./welcome/Welcome')],
  ['/leads', () => import('./leads/List')],
  ['/leads/$id', () => import('./leads/Record')],
  ['/customers', () => import('./customers/List')],
  ['/customers/$id', () => import('./customers/Record')],
  ['/companies', () => import('./companies/List')],
  ['/companies/$id', () => import('./companies/Record')],
  ['/orders', () => import('./orders/List')],
  ['/orders/new', () => import('./orders/New')],
  ['/orders/$id', () => import('./orders/Record')],
  ['/orders/$id/print', () => import('./orders/Print')],
  ['/products', () => import('./products/List')],
  ['/products/$id', () => import('./products/Record')],
  ['/tickets', () => import('./tickets/List')],
  ['/tickets/board', () => import('./tickets/Board')],
  ['/tickets/$id', () => import('./tickets/Record')],
  ['/segments', () => import('./segments/Segments')],
  ['/reports', () => import('./reports/List')],
  ['/reports/$name', () => import('./reports/Report')],
  ['/surveys', () => import('./surveys/List')],
  ['/surveys/$id', () => import('./surveys/Record')],
  ['/imports', () => import('./imports/List')],
  ['/imports/new', () => import('./imports/New')],
  ['/imports/$id', () => import('./imports/Record')],
  ['/settings', () => import('./settings/Firm')],
  ['/settings/account', () => import('./settings/Account')],
  ['/settings/people', () => import('./settings/People')],
  ['/settings/service', () => import('./settings/Service')],
  ['/settings/scoring', () => import('./settings/Scoring')],
  ['/settings/fields', () => import('./settings/Fields')],
  ['/settings/plan', () => import('./settings/Plan')],
  ['/settings/data', () => import('./settings/Data')],
  ['/settings/api-keys', () => import('./settings/ApiKeys')],
  ['/settings/webhooks', () => import('./settings/Webhooks')],
  ['/settings/webhooks/$id', () => import('./settings/Webhook')],
  ['/settings/sources', () => import('./settings/Sources')],
  ['/settings/sources/$id', () => import('./settings/Source')],
] as const;

/** The addresses of all pages: what tests of accessibility and screenshots walk. */
export const PATHS: readonly string[] = [...outside, ...inside].map(([path]) => path);

const shell = createRoute({
  getParentRoute: () => root,
  id: 'shell',
  component: Shell,
  beforeLoad: ({ location }) => {
    if (!current()) throw redirect({ to: '/sign-in', search: { to: location.href } as never });
  },
});

const page = <P extends typeof root | typeof shell>(parent: P, path: string, load: () => Promise<{ default: () => React.ReactNode }>) =>
  createRoute({ getParentRoute: () => parent as typeof root, path, component: lazyRouteComponent(load) });

const tree = root.addChildren([
  ...outside.map(([path, load]) => page(root, path, load)),
  shell.addChildren(inside.map(([path, load]) => page(shell, path, load))),
]);

export function makeRouter(client: QueryClient) {
  return createRouter({
    routeTree: tree,
    context: { client },
    defaultPreload: 'intent',
    defaultPendingComponent: PageLoading,
    defaultErrorComponent: PageError,
    defaultNotFoundComponent: NotFound,
    // A page's state lies in its address as plain words.
    parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
    stringifySearch: (search) => {
      const words = new URLSearchParams(
        Object.entries(search)
          .filter(([, value]) => value !== undefined && value !== '')
          .map(([key, value]) => [key, String(value)]),
      ).toString();
      return words ? `?${words}` : '';
    },
  });
}
