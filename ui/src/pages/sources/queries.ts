import { queryOptions } from '@tanstack/react-query';

import { all, api, ask } from '../../api/client';

const LIMIT = 500;

export const sourcesQuery = queryOptions({
  queryKey: ['sources'],
  queryFn: () => all((cursor) => api.GET('/sources', { params: { query: { cursor, limit: LIMIT } } })),
});

/** All tables, also those that cannot be read. */
export const linesQuery = queryOptions({
  queryKey: ['tables', 'lines'],
  queryFn: () => all((cursor) => api.GET('/tables', { params: { query: { cursor, limit: LIMIT } } })),
});

export const tableQuery = (table: string) =>
  queryOptions({
    queryKey: ['tables', table],
    queryFn: ({ signal }) => ask(api.GET('/tables/{table}', { params: { path: { table } }, signal })),
  });
