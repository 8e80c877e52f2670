import { aggregateType, type Condition, isGroup, isRange, isSpan, membersOf, type Operand, operatorLabel, peeled, type Table, typeOf } from './model';

/** A condition in words, for who does not open it. */
export function inWords(condition: Condition, tables: Table[], segments: Map<string, string>): string {
  const { inner, negated } = peeled(condition);
  const not = negated ? 'not ' : '';
  if (isGroup(inner)) {
    const members = membersOf(inner);
    const word = 'all' in inner ? 'and' : 'or';
    if (members.length === 0) return not + ('all' in inner ? 'everybody' : 'nobody');
    const parts = members.map((member) => {
      const text = inWords(member, tables, segments);
      return isGroup(peeled(member).inner) ? `(${text})` : text;
    });
    const text = parts.join(` ${word} `);
    return negated ? `not (${text})` : text;
  }
  if ('segment' in inner) return `${not}in segment “${segments.get(inner.segment) ?? inner.segment}”`;
  if ('aggregate' in inner) {
    const of = inner.of ? ` of ${inner.of}` : '';
    const what = inner.aggregate === 'exists' ? `has a row of ${inner.table}` : `${inner.aggregate}${of} of ${inner.table}`;
    const where = inner.where ? ` where ${inWords(inner.where, tables, segments)}` : '';
    const test = inner.operator ? ` ${operatorLabel(inner.operator, aggregateType(tables, inner))}${operand(inner.value)}` : '';
    return `${not}${what}${where}${test}`;
  }
  const column = inner.column.slice(inner.column.indexOf('.') + 1).replaceAll('_', ' ') || 'a column';
  return `${not}${column} ${operatorLabel(inner.operator, typeOf(tables, inner.column))}${operand(inner.value)}`;
}

function operand(value: Operand | null | undefined): string {
  if (value == null) return '';
  if (Array.isArray(value)) return ` ${value.join(', ')}`;
  if (isRange(value)) return ` ${value.from} and ${value.to}`;
  if (isSpan(value)) return ` ${Object.entries(value).map(([unit, many]) => `${many} ${unit}`).join(' ')}`;
  return ` ${value}`;
}
