import { expect, test } from 'vitest';
import type { Schemas } from '../api/client';
import { firstSource, lines, type Mapping, withSource, wrongName } from './model';

const spec = (name: string): Schemas['AttributeSpec'] => ({
  name, requirement: 'optional', value: 'text', normalisation: 'text', hash: 'none', default: null, description: '',
});
const rules: Schemas['Rules'] = {
  attributes: [spec('email'), spec('phone')], custom: { with_prefix: 'properties.' }, mapping: [], row: [], unique_by: 'nothing', summary: '',
};
const mappings: Mapping[] = [{ attribute: 'properties.tier', fact: 'group_name' }, { attribute: 'email', column: 'People.mail' }];

test('known attributes come first, the user’s own after them, each with its place among the mappings', () => {
  expect(lines(rules, mappings).map((line) => [line.name, line.mapped])).toEqual([
    ['email', { source: 'column:People.mail', at: 1 }],
    ['phone', undefined],
    ['properties.tier', { source: 'fact:group_name', at: 0 }],
  ]);
});

test('a source is put, changed and taken away in its place', () => {
  const changed = withSource(mappings, 'properties.tier', 'column:People.tier');
  expect(changed).toEqual([{ attribute: 'properties.tier', column: 'People.tier' }, mappings[1]]);
  expect(withSource(changed, 'email', null)).toHaveLength(1);
  expect(withSource([], 'phone', 'column:People.a.b')).toEqual([{ attribute: 'phone', column: 'People.a.b' }]);
});

test('an attribute begins with its default, else the column of its name', () => {
  const columns = ['column:People.mail', 'column:People.tier'];
  expect(firstSource('email', mappings, columns)).toBe('column:People.mail');
  expect(firstSource('properties.Tier', [], columns)).toBe('column:People.tier');
  expect(firstSource('other', [], [])).toBeNull();
});

test('a name of one’s own follows the rule of the kind', () => {
  expect(wrongName('tier', rules, mappings)).toContain('properties.');
  expect(wrongName('properties.tier', rules, mappings)).toContain('already');
  expect(wrongName('properties.', rules, mappings)).toBeDefined();
  expect(wrongName('properties.size', rules, mappings)).toBeUndefined();
});
