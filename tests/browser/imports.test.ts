/** Five hundred customers from a file: looked at, checked, imported, and taken back. */
import { readFile } from 'node:fs/promises';
import { describe } from 'vitest';
import { expect, test } from './test';
import { overflow } from './window';

const ROWS = 500;
const FAULTY = 7;

/** A file as spreadsheets write it: a name over two lines, a formula, and one address that is none. */
const file = [
  'Name;E-mail;Town;Remark',
  ...Array.from({ length: ROWS }, (_, row) => {
    const name = row === 3 ? '"Quillfeather,\nAnn"' : row === 5 ? '"=HYPERLINK(""https://evil.example"")"' : `Customer ${row}`;
    return `${name};${row === FAULTY ? '=not-an-address' : `c${row}@customer.example`};Leith;${row % 2 ? '' : 'met at the fair'}`;
  }),
].join('\r\n');

describe('an import', () => {
  test('is done, says what it could not do, and is taken back', { timeout: 180_000 }, async ({ firm, open }) => {
    const window = await open({ firm });
    const { page } = window;
    await window.go('/imports/new');
    await page.locator('input[type=file]').setInputFiles({ name: 'old address book.csv', mimeType: 'text/csv', buffer: Buffer.from(`\uFEFF${file}`) });
    await page.waitForURL('**/imports/imp_*');
    await window.settled();
    // Headings are guessed; what would happen is shown before anything does.
    for (const [column, field] of [['Name', 'Name'], ['E-mail', 'E-mail'], ['Town', 'City']]) {
      await expect.poll(() => page.getByLabel(`Field for the column ${column}`).first().inputValue()).toBe(field);
    }
    await page.getByText('Not an e-mail address').first().waitFor();
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    expect((await firm.get('/v1/contacts')).data).toHaveLength(0);

    // A check of all rows writes nothing.
    await page.getByRole('button', { name: 'Check all rows' }).click();
    await page.getByText('All rows were checked; nothing was written.').waitFor({ timeout: 60_000 });
    expect((await firm.get('/v1/contacts')).data).toHaveLength(0);

    await page.getByRole('button', { name: /^Import \d+ rows$/ }).click();
    await page.getByText('The import is done').waitFor({ timeout: 120_000 });
    const id = page.url().split('/').at(-1);
    expect((await firm.get(`/v1/imports/${id}`)).counts).toMatchObject({ rows: ROWS, created: ROWS - 1, failed: 1 });
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download the row with faults' }).click()]);
    const errors = await readFile(await download.path(), 'utf8');
    expect(errors).toContain(`'=not-an-address`);
    expect(errors.trim().split('\n')).toHaveLength(2);
    // A name with a line break in it is one name.
    await expect.poll(async () => (await firm.get('/v1/search?q=Quillfeather')).data.length).toBe(1);

    await page.getByRole('button', { name: 'Take back…' }).click();
    await page.getByRole('dialog', { name: 'Take this import back?' }).getByRole('button', { name: 'Take back' }).click();
    await page.getByText('The import was taken back').waitFor({ timeout: 120_000 });
    await expect.poll(async () => (await firm.get('/v1/contacts')).data.length).toBe(0);
  });

  test('of something that is no table is refused in words', async ({ firm, open }) => {
    const window = await open({ firm });
    window.expect(/status of 4\d\d/);
    const { page } = window;
    await window.go('/imports/new');
    await page.locator('input[type=file]').setInputFiles({ name: 'photo.png', mimeType: 'image/png', buffer: Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1, 2, 3]) });
    await page.getByText('photo.png is no CSV').waitFor();
    await page.locator('input[type=file]').setInputFiles({ name: 'large.csv', mimeType: 'text/csv', buffer: Buffer.alloc(4 * 1024 * 1024 + 1, 'a,') });
    await page.getByText('large.csv is larger than 4 MB').waitFor();
  });
});
