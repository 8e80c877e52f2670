import { expect, test } from 'vitest';
import { address, isReadable, readable } from './testing';

test('what is compressed or encrypted is downloaded and not read', () => {
  expect(['request_1.json', 'list.csv', 'list.tsv', 'list.jsonl'].every(isReadable)).toBe(true);
  expect(['list.csv.gz', 'list.csv.pgp', 'list.parquet', 'list._SUCCESS'].some(isReadable)).toBe(false);
});

test('a name leads to its file and nowhere else', () => {
  expect(address('019a', 'active.letter.mail', '../Zoë & co?.csv')).toBe(
    '/api/v1/tests/019a/files/active.letter.mail/..%2FZo%C3%AB%20%26%20co%3F.csv',
  );
});

test('the body of a request is laid out, and what is no JSON is left as it is', () => {
  expect(readable('request_1.json', '{"a":[1]}')).toBe('{\n  "a": [\n    1\n  ]\n}');
  expect(readable('request_1.json', '{')).toBe('{');
  expect(readable('list.csv', '{"a":1}')).toBe('{"a":1}');
});

test('a long file is shown by its beginning', () => {
  const shown = readable('list.csv', 'x'.repeat(30_000));
  expect(shown.length).toBeLessThan(20_100);
  expect(shown.endsWith('\n…')).toBe(true);
});
