/** A source while it is edited, and the definition that it says. */
import type { Schemas } from '../../api/client';
import type { Pair } from './Pairs';

export type Source = Schemas['Source'];
export type Table = Schemas['Table'];

export interface SourceEdit {
  sort: 'files' | 'postgres';
  url: string;
  options: Pair[];
  credentials: Pair[];
  /** Where the address of the database is kept. */
  address: string;
  schema: string;
  tables: Table[];
}

export const newTable = (): Table => ({ name: '', rows: 'one', customer_key: 'customer_id' });

export const newSource = (): SourceEdit => ({
  sort: 'files', url: '', options: [], credentials: [], address: '', schema: 'public', tables: [newTable()],
});

/** What is edited of a source that there is. What was made in one way is kept while the other is looked at. */
export function editOf({ connection, tables }: Source): SourceEdit {
  const empty = { ...newSource(), tables };
  if ('postgres' in connection) {
    return { ...empty, sort: 'postgres', address: connection.postgres.url, schema: connection.postgres.schema ?? 'public' };
  }
  const { url, options = {}, credentials = {} } = connection.files;
  return { ...empty, url, options: Object.entries(options), credentials: Object.entries(credentials) };
}

/** The definition that an edit says. Lines without a name say nothing. */
export function sourceOf(edit: SourceEdit, id: string): Source {
  const named = (pairs: Pair[]) => Object.fromEntries(pairs.filter(([name]) => name.trim() !== ''));
  const connection =
    edit.sort === 'postgres'
      ? { postgres: { url: edit.address, schema: edit.schema } }
      : { files: { url: edit.url, options: named(edit.options), credentials: named(edit.credentials) } };
  const tables = edit.tables.map(({ path, format, ...table }) => ({
    ...table,
    ...(path && { path }),
    ...(format && edit.sort === 'files' && { format }),
  }));
  return { id, connection, tables };
}
