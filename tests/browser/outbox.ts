/** The mails that the host has sent. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The mails to an address, newest last; folded header lines (RFC 5322, 2.2.3) are one. */
export async function mailsTo(outbox: string, address: string): Promise<string[]> {
  const files = (await readdir(outbox).catch(() => [])).filter((name) => name.endsWith('.eml')).sort();
  const mails = await Promise.all(files.map(async (file) => (await readFile(join(outbox, file), 'utf8')).replace(/\r?\n[ \t]+/g, ' ')));
  return mails.filter((mail) => new RegExp(`^To:.*${address.replaceAll('.', '\\.')}`, 'm').test(mail));
}

/** The path of the survey link in the mail to this address; undefined while there is none. */
export async function surveyLink(outbox: string, address: string): Promise<string | undefined> {
  const links = (await mailsTo(outbox, address)).map((mail) => /^List-Unsubscribe:.*?<[^>]*?(\/s\/[^>]+)\/stop>/m.exec(mail)?.[1]);
  return links.find((link) => link !== undefined);
}
