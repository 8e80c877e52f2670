// What became of the rows of a delivery, as the parts of a bar.

import type { Schemas } from '../../api/client';

export type RunSummary = Schemas['RunSummary'];
export type Delivery = Schemas['Delivery'];

export interface Part {
  label: string;
  rows: number;
  color: string;
}

export function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((all, one) => all + one, 0);
}

/** The parts of a delivery's rows; they add up to its rows when it is over. A file has all of them or none. */
export function parts({ list, targets, rows, state }: Delivery): Part[] {
  if (!list) {
    const written = state === 'delivered' ? rows : sum(Object.fromEntries(targets.map((one) => [one.location, one.rows])));
    return written > 0 ? [{ label: 'written', rows: written, color: 'teal' }] : [];
  }
  const all: Part[] = [
    { label: 'sent', rows: list.sent, color: 'teal' },
    { label: 'there already', rows: list.kept, color: 'blue' },
    { label: 'rejected', rows: sum(list.rejected), color: 'red' },
    { label: 'unknown', rows: list.unknown, color: 'yellow' },
  ];
  return all.filter((part) => part.rows > 0);
}

/** The id of a delivery in its run, by which events name it: made of ids, while a run's deliveries have names. */
export function deliveryId(run: Pick<RunSummary, 'audience'>, delivery: Delivery): string {
  const subAudience = run.audience?.sub_audiences.find((one) => one.name === delivery.sub_audience);
  const group = subAudience?.groups.find((one) => one.name === delivery.group);
  return [subAudience?.id ?? delivery.sub_audience, group?.id ?? delivery.group, delivery.destination].join('.');
}

/** Whether a delivery is counted: before it is staged its counts are nothing, rather than none. */
export function isStaged({ state, customers }: Delivery): boolean {
  return state !== 'staging' || customers > 0;
}

/** What leaves a run with something to send again. */
export function didNotArrive({ deliveries }: Pick<RunSummary, 'deliveries'>): Delivery[] {
  return deliveries.filter(({ state }) => state === 'failed' || state === 'partial' || state === 'cancelled');
}

/** A reason of the design in words: `no_consent` is `no consent`. */
export function spoken(reason: string): string {
  return reason.replaceAll('_', ' ');
}

/** Changes as deliveries of a run do, so that what depends on them is asked for again. */
export function runChanges({ deliveries, outcome }: Pick<RunSummary, 'deliveries' | 'outcome'>): string {
  return `${outcome} ${deliveries.map(({ state }) => state).join(' ')}`;
}
