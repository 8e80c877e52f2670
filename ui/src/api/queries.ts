/** What several pages read. Keys begin with the name of the list, so that an edit can say what it made stale. */
import { queryOptions, skipToken } from '@tanstack/react-query';
import { all, api, ask, type Schemas } from './client';

const LIMIT = 500;

export const campaignsQuery = queryOptions({
  queryKey: ['campaigns'],
  queryFn: () => all((cursor) => api.GET('/campaigns', { params: { query: { cursor, limit: LIMIT } } })),
});

/** The same with those that are archived. */
export const allCampaignsQuery = queryOptions({
  queryKey: ['campaigns', 'archived too'],
  queryFn: () => all((cursor) => api.GET('/campaigns', { params: { query: { cursor, limit: LIMIT, archived: true } } })),
});

export const segmentsQuery = queryOptions({
  queryKey: ['segments'],
  queryFn: () => all((cursor) => api.GET('/segments', { params: { query: { cursor, limit: LIMIT } } })),
});

export const destinationsQuery = queryOptions({
  queryKey: ['destinations'],
  queryFn: () => all((cursor) => api.GET('/destinations', { params: { query: { cursor, limit: LIMIT } } })),
});

/** The attributes that campaigns begin with at a destination. */
export const defaultsQuery = (destination: string) =>
  queryOptions({
    queryKey: ['destinations', destination, 'defaults'],
    queryFn: () => ask(api.GET('/destinations/{destination}/default_attributes', { params: { path: { destination } } })),
  });

export const kindsQuery = queryOptions({
  queryKey: ['kinds'],
  queryFn: async () => {
    const kinds = await all((cursor) => api.GET('/kinds', { params: { query: { cursor, limit: LIMIT } } }));
    // The client widens pairs to lists.
    return kinds as Schemas['KindSpec'][];
  },
  staleTime: Infinity,
});

export const workspaceQuery = queryOptions({ queryKey: ['workspace'], queryFn: () => ask(api.GET('/workspace')) });

/** All tables that can be read, with their columns. */
export const tablesQuery = queryOptions({
  queryKey: ['tables', 'columns'],
  queryFn: async () => {
    const lines = await all((cursor) => api.GET('/tables', { params: { query: { cursor, limit: LIMIT } } }));
    const readable = lines.filter((line) => !line.problem);
    return Promise.all(
      readable.map((line) => ask(api.GET('/tables/{table}', { params: { path: { table: line.name } } }))),
    );
  },
  staleTime: 60_000,
});

/** The most frequent values of a column that begin with a text. */
export const valuesQuery = (table: string, column: string, prefix: string, wanted: boolean) =>
  queryOptions({
    queryKey: ['tables', table, 'values', column, prefix],
    queryFn: wanted
      ? ({ signal }) =>
          ask(
            api.GET('/tables/{table}/columns/{column}/values', {
              params: { path: { table, column }, query: { prefix, limit: 20 } },
              signal,
            }),
          )
      : skipToken,
    staleTime: 60_000,
  });
