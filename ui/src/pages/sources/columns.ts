import type { Schemas } from '../../api/client';

/** The columns of one-row tables as `Table.column`, for settings that name one. */
export function columnsOf(tables: Schemas['TableDetail'][]): string[] {
  const one = tables.filter((table) => table.rows_per_customer === 'one');
  return one.flatMap((table) => table.columns.map((column) => `${table.name}.${column.name}`));
}
