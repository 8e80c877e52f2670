// What a source's tables are read from, in words.

import type { Schemas } from '../../api/client';

/** The sort of a connection and where it leads; of a database only where its address is kept. */
export function spokenOf(connection: Schemas['Connection']): { sort: string; where: string } {
  return 'files' in connection
    ? { sort: 'Files', where: connection.files.url }
    : { sort: 'Postgres', where: `${connection.postgres.url}, schema ${connection.postgres.schema}` };
}
