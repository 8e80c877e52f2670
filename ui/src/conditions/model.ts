/** Conditions as the builder sees them: what can be asked of a type, and what stays when something else is chosen. */
import type { Schemas } from '../api/client';

export type Condition = Schemas['Condition'];
export type ColumnTest = Schemas['ColumnTest'];
export type AggregateTest = Schemas['AggregateTest'];
export type InSegment = Schemas['InSegment'];
export type All = Schemas['All'];
export type Any = Schemas['Any'];
export type Operator = Schemas['Operator'];
export type Operand = Schemas['Operand'];
export type Scalar = Schemas['Scalar'];
export type ColumnType = Schemas['ColumnType'];
export type Table = Schemas['TableDetail'];

/** What an operator compares with. */
export type Shape = 'none' | 'one' | 'list' | 'range' | 'span' | 'percent' | 'day' | 'month';

interface Words {
  label: string;
  shape: Shape;
}

const NULLS = ['is_null', 'is_not_null'] as const;
const DATES: Operator[] = [
  'is_on', 'is_before', 'is_after', 'between', 'in_last', 'more_than_ago', 'in_next', 'anniversary_in_next',
  'anniversary_in_next_month', 'day_is', 'month_is', ...NULLS,
];

/** The operators of each type, in the order shown; the first is where a new condition begins. */
export const OPERATORS: Record<ColumnType, Operator[]> = {
  text: [
    'is', 'is_not', 'in_list', 'not_in_list', 'contains', 'does_not_contain', 'starts_with', 'ends_with', 'is_like',
    'is_blank', 'is_not_blank', 'exists', 'is_null',
  ],
  number: [
    'is', 'is_not', 'greater_than', 'at_least', 'less_than', 'at_most', 'between', 'not_between', 'in_list',
    'not_in_list', 'top_percent', 'bottom_percent', ...NULLS,
  ],
  date: DATES,
  timestamp: DATES,
  boolean: ['is_true', 'is_false', ...NULLS],
  other: [...NULLS],
};

/** The same for an aggregate of that type: it is one value a customer, so it has no rank among the values of a table. */
export const aggregateOperators = (type: ColumnType): Operator[] =>
  OPERATORS[type].filter((operator) => operator !== 'top_percent' && operator !== 'bottom_percent');

const WORDS: Record<Operator, Words> = {
  is: { label: 'is', shape: 'one' },
  is_not: { label: 'is not', shape: 'one' },
  in_list: { label: 'is in list', shape: 'list' },
  not_in_list: { label: 'is not in list', shape: 'list' },
  contains: { label: 'contains', shape: 'one' },
  does_not_contain: { label: 'does not contain', shape: 'one' },
  starts_with: { label: 'starts with', shape: 'one' },
  ends_with: { label: 'ends with', shape: 'one' },
  is_like: { label: 'is like (pattern)', shape: 'one' },
  is_blank: { label: 'is blank', shape: 'none' },
  is_not_blank: { label: 'is not blank', shape: 'none' },
  exists: { label: 'exists (not null)', shape: 'none' },
  greater_than: { label: '>', shape: 'one' },
  at_least: { label: '≥', shape: 'one' },
  less_than: { label: '<', shape: 'one' },
  at_most: { label: '≤', shape: 'one' },
  between: { label: 'is between', shape: 'range' },
  not_between: { label: 'is not between', shape: 'range' },
  top_percent: { label: 'is in the top %', shape: 'percent' },
  bottom_percent: { label: 'is in the bottom %', shape: 'percent' },
  is_on: { label: 'is on', shape: 'one' },
  is_before: { label: 'is before', shape: 'one' },
  is_after: { label: 'is after', shape: 'one' },
  in_last: { label: 'is in the last', shape: 'span' },
  more_than_ago: { label: 'is longer ago than', shape: 'span' },
  in_next: { label: 'is in the next', shape: 'span' },
  anniversary_in_next: { label: 'has its anniversary in the next', shape: 'span' },
  anniversary_in_next_month: { label: 'has its anniversary next calendar month', shape: 'none' },
  day_is: { label: 'is on day of the month', shape: 'day' },
  month_is: { label: 'is in month', shape: 'month' },
  is_true: { label: 'is true', shape: 'none' },
  is_false: { label: 'is false', shape: 'none' },
  is_null: { label: 'is null', shape: 'none' },
  is_not_null: { label: 'is not null', shape: 'none' },
};

/** An operator as shown beside a column of that type. */
export function operatorLabel(operator: Operator, type: ColumnType): string {
  if (type === 'number' && operator === 'is') return '=';
  if (type === 'number' && operator === 'is_not') return '≠';
  return WORDS[operator].label;
}

export const shapeOf = (operator: Operator): Shape => WORDS[operator].shape;

/** The value that stays when the operator changes: as it is where its shape fits, else made anew. */
export function fitted(operator: Operator, value: Operand | null | undefined): Operand | undefined {
  const one = Array.isArray(value) ? value[0] : typeof value === 'object' ? undefined : value;
  switch (shapeOf(operator)) {
    case 'none':
      return undefined;
    case 'list':
      return Array.isArray(value) ? value : one == null || one === '' ? [] : [one];
    case 'range':
      return isRange(value) ? value : { from: one ?? '', to: '' };
    case 'span':
      return isSpan(value) ? value : { days: 30 };
    case 'percent':
      return typeof one === 'number' && one > 0 && one <= 100 ? one : 10;
    case 'day':
    case 'month':
      return typeof one === 'number' && one >= 1 && one <= 12 ? one : 1;
    case 'one':
      return one ?? '';
  }
}

export const isSpan = (value: unknown): value is Schemas['Span'] =>
  typeof value === 'object' && value !== null && ('days' in value || 'weeks' in value || 'months' in value);

export const isRange = (value: unknown): value is Schemas['Range'] =>
  typeof value === 'object' && value !== null && 'from' in value && 'to' in value;

/** Text as a value of that type: a number where the type is one and the text can be read as one. */
export function scalar(text: string, type: ColumnType): Scalar {
  const number = Number(text);
  return type === 'number' && text.trim() !== '' && Number.isFinite(number) ? number : text;
}

/** A condition without its `not`s, of which two cancel out since a condition is never unknown. */
export function peeled(condition: Condition): { inner: Exclude<Condition, Schemas['Not']>; negated: boolean } {
  let inner = condition;
  let negated = false;
  while ('not' in inner) {
    inner = inner.not;
    negated = !negated;
  }
  return { inner, negated };
}

export const negatedIf = (condition: Condition, negated: boolean): Condition =>
  negated ? { not: condition } : condition;

export const isGroup = (condition: Condition): condition is All | Any => 'all' in condition || 'any' in condition;

export const membersOf = (group: All | Any): Condition[] => ('all' in group ? group.all : group.any);

export const groupOf = (word: 'all' | 'any', members: Condition[]): All | Any =>
  word === 'all' ? { all: members } : { any: members };

/** The column's type; `other` where the table or column is not known. */
export function typeOf(tables: Table[], reference: string): ColumnType {
  const dot = reference.indexOf('.');
  const table = tables.find((one) => one.name === reference.slice(0, dot));
  return table?.columns.find((column) => column.name === reference.slice(dot + 1))?.column_type ?? 'other';
}

/** The type of what an aggregate gives. */
export function aggregateType(tables: Table[], test: AggregateTest): ColumnType {
  if (test.aggregate === 'min' || test.aggregate === 'max') return typeOf(tables, `${test.table}.${test.of ?? ''}`);
  return 'number';
}

/** The same test of another column: operator and value stay where the type has them. */
export function withColumn(tables: Table[], test: ColumnTest, column: string): ColumnTest {
  const operators = OPERATORS[typeOf(tables, column)];
  if (operators.includes(test.operator) && typeOf(tables, column) === typeOf(tables, test.column)) {
    return { ...test, column };
  }
  return tested(column, operators[0] ?? 'is_null', undefined);
}

/** The same test by another operator. */
export const withOperator = (test: ColumnTest, operator: Operator): ColumnTest =>
  tested(test.column, operator, test.value);

function tested(column: string, operator: Operator, value: Operand | null | undefined): ColumnTest {
  const fits = fitted(operator, value);
  return fits === undefined ? { column, operator } : { column, operator, value: fits };
}

/** An aggregate by another function, with what that function needs and nothing else. */
export function withFunction(tables: Table[], test: AggregateTest, aggregate: AggregateTest['aggregate']): AggregateTest {
  const kept: AggregateTest = { aggregate, table: test.table };
  if (test.where) kept.where = test.where;
  if (aggregate === 'exists') return kept;
  if (aggregate !== 'count') kept.of = test.of ?? firstNumber(tables, test.table);
  const operators = aggregateOperators(aggregateType(tables, kept));
  kept.operator = test.operator && operators.includes(test.operator) ? test.operator : operators.includes('at_least') ? 'at_least' : operators[0];
  const value = kept.operator && fitted(kept.operator, test.value === '' ? undefined : test.value);
  if (value !== undefined) kept.value = value === '' ? 1 : value;
  return kept;
}

function firstNumber(tables: Table[], name: string): string {
  const columns = tables.find((table) => table.name === name)?.columns ?? [];
  return (columns.find((column) => column.column_type === 'number') ?? columns[0])?.name ?? '';
}

/** Whether a condition says enough to be counted. */
export function complete(condition: Condition): boolean {
  const { inner } = peeled(condition);
  if (isGroup(inner)) return membersOf(inner).every(complete);
  if ('segment' in inner) return inner.segment !== '';
  const valued = inner.operator == null || filled(inner.operator, inner.value);
  if ('aggregate' in inner) return inner.table !== '' && valued && (!inner.where || complete(inner.where));
  return inner.column !== '' && valued;
}

function filled(operator: Operator, value: Operand | null | undefined): boolean {
  if (shapeOf(operator) === 'none') return true;
  if (Array.isArray(value)) return value.length > 0;
  if (isRange(value)) return value.from !== '' && value.to !== '';
  return value != null && value !== '';
}
