import { signedFetch } from '../api/client';
import { ApiError } from '../api/error';

/** The next page of a list that `Link` leads to. */
const nextOf = (response: Response) => /<([^>]+)>;\s*rel="next"/.exec(response.headers.get('link') ?? '')?.[1];

/** Every answer to a survey as one table: the service gives a thousand rows at a time, each part with its heading. */
export async function downloadAnswers(id: string, name: string): Promise<void> {
  const parts: BlobPart[] = [];
  let path: string | undefined = `/v1/surveys/${id}/answers.csv?limit=1000`;
  while (path) {
    const response: Response = await signedFetch(new Request(new URL(path, location.origin)));
    if (!response.ok) throw await ApiError.of(response);
    const text = await response.text();
    // `text()` has dropped the byte order mark, which tells spreadsheets that this is UTF-8.
    parts.push(parts.length === 0 ? `\ufeff${text}` : text.slice(text.indexOf('\n') + 1));
    path = nextOf(response);
  }
  const address = URL.createObjectURL(new Blob(parts, { type: 'text/csv;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = `${name.replace(/[\\/:*?"<>|]+/g, ' ').trim()}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
