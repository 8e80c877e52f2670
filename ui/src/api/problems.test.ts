import { expect, test } from 'vitest';
import type { Problem } from './client';
import { problemsAt, textAt } from './problems';

const problem = (path: string, severity: Problem['severity'] = 'error'): Problem => ({ path, severity, reason: '`T` is taken', remedy: 'rename it' });
const problems = [problem('include'), problem('include_more'), problem('sub_audiences[1].groups[0].name'), problem('sub_audiences[10].name', 'warning')];

test('a place has its own problems and those within, and not those of a place with a longer name', () => {
  expect(problemsAt(problems, 'include')).toHaveLength(1);
  expect(problemsAt(problems, 'sub_audiences[1]')).toHaveLength(1);
  expect(problemsAt(problems, 'sub_audiences')).toHaveLength(2);
  expect(problemsAt(problems, '')).toHaveLength(4);
});

test('a field shows what is wrong and what to do, and no warnings', () => {
  expect(textAt(problems, 'sub_audiences[1].groups')).toBe('“T” is taken: rename it.');
  expect(textAt(problems, 'sub_audiences[10]')).toBeUndefined();
});
