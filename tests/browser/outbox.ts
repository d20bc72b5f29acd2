/** The mails that the host has sent. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The path of the survey link in the mail to this address; undefined while there is none. */
export async function surveyLink(outbox: string, address: string): Promise<string | undefined> {
  const files = await readdir(outbox).catch(() => []);
  for (const file of files.filter((name) => name.endsWith('.eml'))) {
    // Long header lines are folded (RFC 5322, 2.2.3).
    const mail = (await readFile(join(outbox, file), 'utf8')).replace(/\r?\n[ \t]+/g, ' ');
    if (!new RegExp(`^To:.*${address.replaceAll('.', '\\.')}`, 'm').test(mail)) continue;
    const link = /^List-Unsubscribe:.*?<[^>]*?(\/s\/[^>]+)\/stop>/m.exec(mail)?.[1];
    if (link) return link;
  }
  return undefined;
}
