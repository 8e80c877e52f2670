/** Choices of timing, and what each begins with. */
import type { Schemas } from '../../api/client';
import type { Campaign, Schedule } from './campaign';

type Cadence = Schemas['Cadence'];
type End = Schemas['End'];

export type Word<T extends readonly { value: string }[]> = T[number]['value'];

const choices = <const V extends string>(...all: { value: V; label: string }[]) => all;

export const SCHEDULES = choices(
  { value: 'manual', label: 'By hand' },
  { value: 'as_soon_as_possible', label: 'As soon as possible' },
  { value: 'at', label: 'Once, at a time' },
  { value: 'recurring', label: 'Again and again' },
);

export const CADENCES = choices(
  { value: 'hour', label: 'Hourly' },
  { value: 'day', label: 'Daily' },
  { value: 'week', label: 'Weekly' },
  { value: 'month', label: 'Monthly' },
  { value: 'quarter', label: 'Quarterly' },
  { value: 'cron', label: 'By cron' },
);

export const ENDS = choices(
  { value: 'never', label: 'Never' },
  { value: 'on', label: 'After a day' },
  { value: 'after', label: 'After some times' },
);

export const LAUNCHES = choices(
  { value: 'none', label: 'None' },
  { value: 'on', label: 'On a day' },
  { value: 'after', label: 'Some days after the delivery' },
);

export const wordOf = (schedule: Schedule): Word<typeof SCHEDULES> =>
  typeof schedule === 'string' ? schedule : 'at' in schedule ? 'at' : 'recurring';

/** Another choice of when it runs; the time that was chosen stays. */
export function scheduleOf(word: Word<typeof SCHEDULES>, before: Schedule): Schedule {
  const known = typeof before === 'string' ? null : 'at' in before ? before.at : before.recurring;
  const time = known ? ('time' in known ? known.time : known.start) : '';
  const zone = known?.time_zone ? { time_zone: known.time_zone } : {};
  if (word === 'at') return { at: { time, ...zone } };
  if (word === 'recurring') return { recurring: { every: 'day', start: time, ...zone, end: 'never' } };
  return word;
}

export const cadenceOf = (word: Word<typeof CADENCES>, before: Cadence): Cadence =>
  word === 'cron' ? { cron: typeof before === 'object' ? before.cron : '' } : word;

export const endOf = (word: Word<typeof ENDS>): End =>
  word === 'on' ? { on: '' } : word === 'after' ? { after: 10 } : 'never';

export const launchOf = (word: Word<typeof LAUNCHES>): Campaign['launch'] =>
  word === 'on' ? { on: '' } : word === 'after' ? { days_after_delivery: 0 } : null;

/** A moment as the clocks of a zone show it: `Mon 1 Dec 2026`, `09:00`. */
export function dated(moment: string, zone: string): { day: string; clock: string } {
  const shown = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat('en-GB', { ...options, timeZone: zone }).format(new Date(moment));
  return {
    day: shown({ weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' }).replace(',', ''),
    clock: shown({ hour: '2-digit', minute: '2-digit' }),
  };
}
