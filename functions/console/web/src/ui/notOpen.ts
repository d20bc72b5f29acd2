import i18next from 'i18next';
import type { ApiError } from '../api/error';

/** Why nothing can be changed while the firm's account is not open, in the reader's language; empty for other refusals. */
export const notOpen = ({ code }: Pick<ApiError, 'code'>): string => i18next.t(`common.notOpen.${code}`, { defaultValue: '' });
