import { expect, test } from 'vitest';
import { editOf, newSource, newTable, type Source, sourceOf } from './source';

const files: Source = {
  id: 'shop',
  connection: { files: { url: 's3://shop/data', options: { region: 'eu-central-1' }, credentials: { access_key_id: 'env:KEY' } } },
  tables: [{ name: 'Orders', path: 'orders/*.parquet', rows: 'many', customer_key: 'id', semantics: { contact: 'email' } }],
};
const postgres: Source = {
  id: 'db',
  connection: { postgres: { url: 'env:DB', schema: 'shop' } },
  tables: [{ name: 'Loyalty', rows: 'one', customer_key: 'customer_id' }],
};

test('what is edited of a source says the same source', () => {
  expect(sourceOf(editOf(files), 'shop')).toEqual(files);
  expect(sourceOf(editOf(postgres), 'db')).toEqual(postgres);
});

test('an empty path, a format of a database and a line without a name say nothing', () => {
  const edit = { ...newSource(), options: [['', 'x'], ['region', 'eu']] as [string, string][], tables: [{ ...newTable(), path: '', format: 'csv' as const }] };
  const said = sourceOf(edit, 'a');
  expect(said.connection).toEqual({ files: { url: '', options: { region: 'eu' }, credentials: {} } });
  expect(said.tables[0]).toEqual({ ...newTable(), format: 'csv' });
  expect(sourceOf({ ...edit, sort: 'postgres' }, 'a').tables[0]).toEqual(newTable());
});
