/** The roles of a firm, from the widest to the narrowest. */
export const ROLES = ['owner', 'admin', 'manager', 'representative', 'agent', 'marketer', 'read_only'] as const;
export type Role = (typeof ROLES)[number];
