import { expect, it } from 'vitest';

import { share } from './share';

it.each([
  [6456, 23570, '27.4 %'],
  [0, 23570, '0.0 %'],
  [1, 23570, '< 0.1 %'],
  [23569, 23570, '> 99.9 %'],
  [23570, 23570, '100.0 %'],
  [0, 0, ''],
])('%d of %d customers are %s', (part, all, said) => {
  expect(share(part, all)).toBe(said);
});
