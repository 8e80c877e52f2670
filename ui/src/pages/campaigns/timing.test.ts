import { expect, test } from 'vitest';
import { dated } from './timing';

test('a delivery is shown as the clocks of its zone show it, whatever the clock here', () => {
  expect(dated('2026-11-30T23:30:00-08:00', 'America/Los_Angeles')).toEqual({ day: 'Mon 30 Nov 2026', clock: '23:30' });
  expect(dated('2027-03-28T03:00:00+02:00', 'Europe/Berlin')).toEqual({ day: 'Sun 28 Mar 2027', clock: '03:00' });
});
