import { describe, expect, test } from 'vitest';
import { complete, type Condition, fitted, negatedIf, OPERATORS, peeled, scalar, shapeOf, type Table, withColumn, withFunction, withOperator } from './model';
import { inWords } from './words';

const tables: Table[] = [
  {
    name: 'Customer_360', source: 'shop', rows_per_customer: 'one', customer_key: 'customer_id', is_customer_table: false, rows: 3, written: null,
    columns: [
      { name: 'lifecycle_status', column_type: 'text', semantic: null },
      { name: 'lifetime_value', column_type: 'number', semantic: null },
      { name: 'order_count', column_type: 'number', semantic: null },
      { name: 'last_order', column_type: 'date', semantic: null },
    ],
  },
  {
    name: 'Orders', source: 'shop', rows_per_customer: 'many', customer_key: 'customer_id', is_customer_table: false, rows: 9, written: null,
    columns: [{ name: 'amount', column_type: 'number', semantic: null }],
  },
];

test('a value has the shape that its operator takes, whatever it was before', () => {
  const operands = [undefined, '', 'DE', 5, ['a', 'b'], [], { from: 1, to: 2 }, { weeks: 3 }];
  for (const operator of new Set(Object.values(OPERATORS).flat())) {
    for (const before of operands) {
      const value = fitted(operator, before);
      const shape = shapeOf(operator);
      if (shape === 'none') expect(value).toBeUndefined();
      else if (shape === 'list') expect(Array.isArray(value)).toBe(true);
      else if (shape === 'range') expect(value).toHaveProperty('from');
      else if (shape === 'span') expect(Object.keys(value as object)).toHaveLength(1);
      else if (shape === 'one') expect(['string', 'number']).toContain(typeof value);
      else expect(typeof value).toBe('number');
      expect(fitted(operator, value)).toEqual(value);
    }
  }
});

test('one value becomes a list of it, and back', () => {
  expect(fitted('in_list', 'DE')).toEqual(['DE']);
  expect(fitted('is', ['DE', 'FR'])).toBe('DE');
});

test('two nots cancel out', () => {
  const segment: Condition = { segment: 'active' };
  expect(peeled({ not: { not: segment } })).toEqual({ inner: segment, negated: false });
  expect(negatedIf(segment, peeled({ not: segment }).negated)).toEqual({ not: segment });
});

test('another column of the same type keeps operator and value, one of another type does not', () => {
  const test = { column: 'Customer_360.lifetime_value', operator: 'at_least', value: 75 } as const;
  expect(withColumn(tables, test, 'Customer_360.order_count')).toEqual({ ...test, column: 'Customer_360.order_count' });
  expect(withColumn(tables, test, 'Customer_360.last_order')).toEqual({ column: 'Customer_360.last_order', operator: 'is_on', value: '' });
});

test('an operator without a value leaves none behind', () => {
  expect(withOperator({ column: 'a.b', operator: 'is', value: 'x' }, 'is_null')).toEqual({ column: 'a.b', operator: 'is_null' });
});

test('an aggregate has what its function needs and nothing else', () => {
  const where: Condition = { column: 'Orders.amount', operator: 'at_least', value: 1 };
  const count = withFunction(tables, { aggregate: 'exists', table: 'Orders', where }, 'count');
  expect(count).toEqual({ aggregate: 'count', table: 'Orders', where, operator: 'at_least', value: 1 });
  const sum = withFunction(tables, count, 'sum');
  expect(sum).toEqual({ ...count, aggregate: 'sum', of: 'amount' });
  expect(withFunction(tables, sum, 'exists')).toEqual({ aggregate: 'exists', table: 'Orders', where });
});

test('text is a number only where the column is one', () => {
  expect(scalar('00001', 'text')).toBe('00001');
  expect(scalar('1.5', 'number')).toBe(1.5);
  expect(scalar('x', 'number')).toBe('x');
});

describe('a condition says enough to be counted', () => {
  test.each<[string, Condition, boolean]>([
    ['without a column', { column: '', operator: 'is', value: 'x' }, false],
    ['without a value', { column: 'a.b', operator: 'is', value: '' }, false],
    ['with half a range', { column: 'a.b', operator: 'between', value: { from: 1, to: '' } }, false],
    ['with zero', { column: 'a.b', operator: 'is', value: 0 }, true],
    ['within a group', { all: [{ not: { segment: '' } }] }, false],
    ['within the rows of an aggregate', { aggregate: 'exists', table: 'Orders', where: { column: '', operator: 'is' } }, false],
    ['without any condition', { all: [] }, true],
  ])('%s', (_, condition, is) => expect(complete(condition)).toBe(is));
});

test('words say what a tree means', () => {
  const condition: Condition = {
    all: [
      { column: 'Customer_360.lifetime_value', operator: 'at_least', value: 75 },
      { not: { any: [{ segment: 'active' }, { column: 'Customer_360.last_order', operator: 'in_last', value: { days: 90 } }] } },
      { aggregate: 'count', table: 'Orders', operator: 'at_least', value: 2 },
    ],
  };
  expect(inWords(condition, tables, new Map([['active', 'Active']]))).toBe(
    'lifetime value ≥ 75 and (not (in segment “Active” or last order is in the last 90 days)) and count of Orders ≥ 2',
  );
});
