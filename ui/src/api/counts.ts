import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, skipToken, useQuery } from '@tanstack/react-query';
import { api, ask, type Schemas } from './client';

/** What is counted; `null` where it does not yet say enough. */
export type CountOf = Schemas['CountOf'] | null;

const PAUSE = 400;

/**
 * Counts while one types: what was counted last is shown till the new count is there, and a count that nobody waits for
 * any more is stopped.
 */
export function useCounts(of: CountOf) {
  const [asked] = useDebouncedValue(of === null ? null : JSON.stringify(of), PAUSE);
  const query = useQuery({
    queryKey: ['counts', asked],
    queryFn:
      asked === null
        ? skipToken
        : ({ signal }) => ask(api.POST('/counts', { body: JSON.parse(asked) as Schemas['CountOf'], signal })),
    placeholderData: keepPreviousData,
    staleTime: 60_000,
    retry: false,
  });
  const late = of !== null && JSON.stringify(of) !== asked;
  return { counts: of === null ? undefined : query.data, counting: late || query.isFetching, error: late ? null : query.error };
}

/** How segments overlap; nothing for fewer than two. */
export function useOverlap(segments: string[]) {
  const { counts, ...rest } = useCounts(segments.length < 2 ? null : { overlap: segments });
  return { overlap: counts && 'parts' in counts ? counts : undefined, ...rest };
}

/** The counts of a condition or segment. */
export function useCustomers(of: CountOf) {
  const { counts, ...rest } = useCounts(of);
  return { customers: counts && 'customers' in counts ? counts : undefined, ...rest };
}
