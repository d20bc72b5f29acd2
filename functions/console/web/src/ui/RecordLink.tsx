import { useRouter } from '@tanstack/react-router';
import type { MouseEvent, ReactNode } from 'react';

/** Where the records of an id's prefix have their pages. */
const PAGES: Record<string, string> = {
  lead: '/leads', con: '/customers', com: '/companies', ord: '/orders', prd: '/products', tkt: '/tickets', sur: '/surveys',
};

export const pageOf = (id: string): string | undefined => {
  const page = PAGES[id.split('_')[0]!];
  return page && `${page}/${id}`;
};

/** A link to a record's page, by its id. Light enough to stand in every row of a long list. */
export function RecordLink({ id, children, tab }: { id: string | null | undefined; children: ReactNode; tab?: string }) {
  const router = useRouter();
  const page = id ? pageOf(id) : undefined;
  if (!page) return <>{children}</>;
  const to = tab ? `${page}?tab=${tab}` : page;
  const go = (event: MouseEvent) => {
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    void router.navigate({ to: page, search: (tab ? { tab } : {}) as never });
  };
  return <a href={to} onClick={go}>{children}</a>;
}
