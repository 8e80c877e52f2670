import { expect, test } from 'vitest';
import { choices, kept, type Line, NO_FILTERS, sorted } from './list';

const line = (name: string, more: Partial<Line> = {}) =>
  ({ name, id: name, status: 'ready', often: 'by_hand', destinations: [], folder: null, labels: [], edited_by: 'ada', ...more }) as Line;

test('numbers sort as numbers, and what is not known comes last both ways', () => {
  const lines = [line('a', { customers: 9 }), line('b', { customers: null }), line('c', { customers: 10 })];
  const names = (down: boolean) => sorted(lines, 'customers', down).map((one) => one.name);
  expect(names(false)).toEqual(['a', 'c', 'b']);
  expect(names(true)).toEqual(['c', 'a', 'b']);
});

test('every filter must fit, and the text is looked for in names whatever their case', () => {
  const lines = [
    line('Spring mail', { labels: ['vip'], folder: 'Spring' }),
    line('Spring texts', { labels: ['vip'], edited_by: 'grace' }),
    line('Autumn', { folder: 'Spring' }),
  ];
  const names = (filters: Partial<typeof NO_FILTERS>, text = '') =>
    kept(lines, { ...NO_FILTERS, ...filters }, text).map((one) => one.name);
  expect(names({})).toHaveLength(3);
  expect(names({ label: 'vip' })).toEqual(['Spring mail', 'Spring texts']);
  expect(names({ label: 'vip', edited_by: 'grace' })).toEqual(['Spring texts']);
  expect(names({ folder: 'Spring' }, 'SPRING ')).toEqual(['Spring mail']);
});

test('what can be chosen is what some campaign has, once', () => {
  const lines = [line('a', { labels: ['vip', 'mail'] }), line('b', { labels: ['mail'] })];
  expect(choices(lines, 'label')).toEqual(['mail', 'vip']);
  expect(choices(lines, 'folder')).toEqual([]);
});
