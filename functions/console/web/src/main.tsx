import '@fontsource-variable/inter';
import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import '@mantine/spotlight/styles.css';
import './app.css';

import { MantineProvider } from '@mantine/core';
import { ModalsProvider } from '@mantine/modals';
import { Notifications } from '@mantine/notifications';
import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { setNonce } from 'get-nonce';
import { createRoot } from 'react-dom/client';
import { ApiError } from './api/error';
import { current, watch } from './api/session';
import { start } from './i18n';
import { makeRouter } from './routes';
import { theme } from './theme';

const client = new QueryClient({
  queryCache: new QueryCache(),
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      // Without a connection a page says so, instead of waiting silently.
      networkMode: 'always',
      refetchOnReconnect: true,
      retry: (count, error) => count < 2 && (!(error instanceof ApiError) || error.status === 0 || error.status >= 500),
    },
    mutations: { retry: false, networkMode: 'always' },
  },
});

const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? '';
// Dialogues lock the page's scrolling by a style of their own.
setNonce(nonce);
const router = makeRouter(client);

// A session that ends, here or in another window, takes everything it has read with it. One that is only renewed does not.
let tenant = current()?.tenant;
watch((session) => {
  if (session?.tenant === tenant) return;
  const other = tenant !== undefined && session !== null;
  tenant = session?.tenant;
  client.clear();
  // Pages on the screen still hold what they have read: another firm begins without them.
  if (other) location.assign('/');
  else void router.invalidate();
});

// The scheme is known before anything is drawn: what is drawn in the light first stays light in places.
const kept = localStorage.getItem('mantine-color-scheme-value');
const dark = kept === 'dark' || (kept !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
document.documentElement.dataset.mantineColorScheme = dark ? 'dark' : 'light';

await start();
createRoot(document.getElementById('root')!).render(
  <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={() => nonce}>
    <QueryClientProvider client={client}>
      <ModalsProvider>
        <Notifications position="bottom-right" />
        <RouterProvider router={router} />
      </ModalsProvider>
    </QueryClientProvider>
  </MantineProvider>,
);
