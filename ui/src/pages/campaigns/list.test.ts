import { expect, test } from 'vitest';
import type { Schemas } from '../../api/client';
import { sorted } from './list';

const line = (name: string, customers: number | null) => ({ name, customers }) as Schemas['CampaignLine'];

test('numbers sort as numbers, and what is not known comes last both ways', () => {
  const lines = [line('a', 9), line('b', null), line('c', 10)];
  const names = (down: boolean) => sorted(lines, 'customers', down).map((one) => one.name);
  expect(names(false)).toEqual(['a', 'c', 'b']);
  expect(names(true)).toEqual(['c', 'a', 'b']);
});
