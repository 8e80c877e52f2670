/** What a test of a campaign kept, apart from the screen. */

/** Endings of files that a person can read; others are compressed, encrypted or columns. */
const READABLE = ['.json', '.jsonl', '.csv', '.tsv', '.psv'];
/** As much of a file as a screen shows. */
const MOST = 20_000;

export const isReadable = (name: string) => READABLE.some((ending) => name.endsWith(ending));

/** Where a file of a test is to be had. */
export const address = (test: string, delivery: string, file: string) =>
  `/api/v1/tests/${[test, 'files', delivery, file].map(encodeURIComponent).join('/')}`;

/** A file as it is read: JSON on many lines, and no more of it than a screen shows. */
export function readable(name: string, text: string): string {
  const whole = name.endsWith('.json') ? laidOut(text) : text;
  return whole.length > MOST ? `${whole.slice(0, MOST)}\n…` : whole;
}

function laidOut(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
