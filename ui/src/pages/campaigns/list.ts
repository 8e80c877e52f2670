import type { Schemas } from '../../api/client';

type Line = Schemas['CampaignLine'];

/** What campaigns can be sorted by. */
export type SortBy = 'name' | 'status' | 'cadence' | 'customers' | 'last_delivery' | 'next_delivery';

/** Lines in order; what has no value comes last, whichever way. */
export function sorted(lines: Line[], by: SortBy, down: boolean): Line[] {
  const way = down ? -1 : 1;
  return [...lines].sort((a, b) => {
    const [one, other] = [a[by], b[by]];
    if (one == null || other == null) return Number(one == null) - Number(other == null);
    if (typeof one === 'number' && typeof other === 'number') return way * (one - other);
    return way * String(one).localeCompare(String(other));
  });
}
