import { expect, test } from 'vitest';
import { inWords, shown } from './overlap';

test('parts come by size, without those that nobody is in, and their shares add up', () => {
  const parts = [
    { segments: ['a'], customers: 10 },
    { segments: ['b'], customers: 0 },
    { segments: ['a', 'b'], customers: 30 },
  ];
  expect(shown(parts).map(({ customers, share }) => [customers, share])).toEqual([[30, 0.75], [10, 0.25]]);
  expect(shown([{ segments: ['a'], customers: 0 }])).toEqual([]);
});

test('a part is said by the names of its segments', () => {
  expect(inWords({ segments: ['a', 'b'], customers: 1 }, new Map([['a', 'Active']]))).toBe('in Active and b alone');
});
