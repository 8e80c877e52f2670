/** What was, is, and was undone. */
export interface History<T> {
  past: T[];
  present: T;
  future: T[];
  /** What was edited last, and when: typing in one field is one step. */
  last?: { key: string; at: number };
}

const KEPT = 100;
const PAUSE = 1_500;

export const begun = <T>(present: T): History<T> => ({ past: [], present, future: [] });

/** One step on. Edits with one key that follow closely are one step; without a key each is its own. */
export function edited<T>(history: History<T>, present: T, key: string | undefined, at: number): History<T> {
  if (Object.is(present, history.present)) return history;
  const joins = key !== undefined && history.last?.key === key && at - history.last.at < PAUSE;
  return {
    past: joins ? history.past : [...history.past, history.present].slice(-KEPT),
    present,
    future: [],
    ...(key !== undefined && { last: { key, at } }),
  };
}

export function undone<T>({ past, present, future }: History<T>): History<T> {
  const before = past.at(-1);
  if (before === undefined) return { past, present, future };
  return { past: past.slice(0, -1), present: before, future: [present, ...future] };
}

export function redone<T>({ past, present, future }: History<T>): History<T> {
  const [after, ...rest] = future;
  if (after === undefined) return { past, present, future };
  return { past: [...past, present], present: after, future: rest };
}
