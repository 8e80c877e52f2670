import { expect, test } from 'vitest';
import { begun, edited, redone, undone } from './history';

test('what is undone can be redone, till something else is edited', () => {
  const two = edited(edited(begun('a'), 'b', undefined, 0), 'c', undefined, 1);
  expect(undone(two).present).toBe('b');
  expect(redone(undone(two)).present).toBe('c');
  expect(redone(edited(undone(two), 'd', undefined, 2)).present).toBe('d');
  expect(undone(begun('a')).present).toBe('a');
});

test('typing in one field is one step', () => {
  let history = begun('');
  for (const [at, text] of ['n', 'na', 'nam', 'name'].entries()) history = edited(history, text, 'name', at * 200);
  expect(undone(history).present).toBe('');
  expect(undone(edited(history, 'x', 'other', 900)).present).toBe('name');
  expect(undone(edited(history, 'later', 'name', 60_000)).present).toBe('name');
});
