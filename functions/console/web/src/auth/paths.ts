/** Where to go after signing in: a path of this console that was asked for, never another site. */
export function pathAfter(asked: string | undefined, origin: string): string {
  if (!asked?.startsWith('/')) return '/';
  try {
    const url = new URL(asked, origin);
    return url.origin === origin && !url.pathname.startsWith('//') ? url.pathname + url.search + url.hash : '/';
  } catch {
    return '/';
  }
}
