import type { Schemas } from '../../api/client';

export type Line = Schemas['CampaignLine'];

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

/** What a campaign can be chosen by, beside its name; `null` takes any. */
export interface Filters {
  status: string | null;
  often: string | null;
  destination: string | null;
  folder: string | null;
  label: string | null;
  edited_by: string | null;
}

export const NO_FILTERS: Filters = { status: null, often: null, destination: null, folder: null, label: null, edited_by: null };

/** What a campaign has of each sort that can be chosen by. */
const had: { [Sort in keyof Filters]: (line: Line) => string[] } = {
  status: (line) => [line.status],
  often: (line) => [line.often],
  destination: (line) => line.destinations,
  folder: (line) => (line.folder ? [line.folder] : []),
  label: (line) => line.labels,
  edited_by: (line) => [line.edited_by],
};

const sorts = Object.keys(had) as (keyof Filters)[];

/** The lines that are as they are wanted, and whose name or id has the text in it. */
export function kept(lines: Line[], filters: Filters, text: string): Line[] {
  const wanted = text.trim().toLowerCase();
  const fits = (line: Line) => (sort: keyof Filters) => filters[sort] === null || had[sort](line).includes(filters[sort]);
  return lines.filter(
    (line) => sorts.every(fits(line)) && (line.name.toLowerCase().includes(wanted) || line.id.includes(wanted)),
  );
}

/** What there is to choose by: of each sort, what any of the lines has. */
export const choices = (lines: Line[], sort: keyof Filters): string[] =>
  [...new Set(lines.flatMap(had[sort]))].sort((one, other) => one.localeCompare(other));
