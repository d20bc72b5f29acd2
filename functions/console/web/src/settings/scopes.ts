/** What an API key can be permitted, area by area. */
export const AREAS = [
  'contacts', 'leads', 'orders', 'products', 'tickets', 'segments', 'reports', 'surveys', 'win_backs', 'events', 'webhooks', 'settings', 'users', 'api_keys', 'account',
] as const;
export type Area = (typeof AREAS)[number];
export type Right = '' | 'read' | 'write';
export type Rights = Partial<Record<Area, Right>>;

/** The most that somebody with these scopes can permit in an area. */
export function most(scopes: string[], area: Area): Right {
  const found = scopes.filter((scope) => scope.split(':')[0] === area || scope.startsWith('*')).map((scope) => scope.split(':')[1] ?? '*');
  return found.some((right) => right === 'write' || right === '*') ? 'write' : found.includes('read') ? 'read' : '';
}

export const scopesOf = (rights: Rights): string[] => AREAS.flatMap((area) => (rights[area] ? [`${area}:${rights[area]}`] : []));

/** One right for every area, as far as one has it. */
export const everywhere = (right: Right, scopes: string[]): Rights =>
  Object.fromEntries(AREAS.map((area) => [area, right && most(scopes, area) === '' ? '' : right === 'write' ? most(scopes, area) : right]));
