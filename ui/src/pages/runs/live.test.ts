import { describe, expect, it } from 'vitest';

import { type Happened, happen, isOver, step, unwatched } from './live';

function after(...events: Partial<Happened>[]) {
  return events
    .map((event) => ({ delivery: null, at: '2026-11-25T09:00:00Z', what: '', ...event }))
    .reduce(happen, unwatched);
}

describe('a run that is watched', () => {
  it('goes through its phases and remembers when each began', () => {
    const run = after(
      { what: 'assigning', at: '2026-11-25T09:00:00Z' },
      { what: 'assigning -> staging', at: '2026-11-25T09:00:03Z' },
      { what: 'staging -> delivering', at: '2026-11-25T09:00:05Z' },
    );
    expect(run.phase).toBe('delivering');
    expect(run.outcome).toBeNull();
    expect(run.began).toEqual({
      assigning: '2026-11-25T09:00:00Z',
      staging: '2026-11-25T09:00:03Z',
      delivering: '2026-11-25T09:00:05Z',
    });
  });

  it('is finished with its outcome, and nothing waits any more', () => {
    const limited = step(after({ what: 'staging -> delivering' }), {
      step: 'limited',
      delivery: 'active.letter.mail',
      until: '2026-11-25T09:01:00Z',
    });
    const run = happen(limited, { delivery: null, at: '2026-11-25T09:02:00Z', what: 'delivering -> partial' });
    expect(run).toMatchObject({ phase: 'finished', outcome: 'partial', limited: {} });
  });

  it('goes back to its deliveries when they are retried', () => {
    const run = after({ what: 'delivering -> failed' }, { what: 'failed -> delivering' });
    expect(run).toMatchObject({ phase: 'delivering', outcome: null });
  });

  it('tells its deliveries apart', () => {
    const run = after(
      { delivery: 'active.letter.mail', what: 'staging' },
      { delivery: 'active.letter.ads', what: 'staging' },
      { delivery: 'active.letter.mail', what: 'staging -> sending' },
    );
    expect(run.states).toEqual({ 'active.letter.mail': 'sending', 'active.letter.ads': 'staging' });
    expect(run.phase).toBe('assigning');
  });

  it('keeps until when a delivery is limited, while it is', () => {
    const until = '2026-11-25T09:01:00Z';
    const limited = step(unwatched, { step: 'limited', delivery: 'a.b.c', until });
    expect(limited.limited).toEqual({ 'a.b.c': until });
    expect(step(limited, { step: 'limited', delivery: 'a.b.c', until: null }).limited).toEqual({});
    expect(step(limited, { step: 'sent', delivery: 'a.b.c' }).limited).toEqual({});
    expect(limited.limited).toEqual({ 'a.b.c': until });
  });

  it('counts rows as they are assigned and staged', () => {
    const run = step(step(unwatched, { step: 'assigned', rows: 6456 }), { step: 'staging', rows: 4096 });
    expect(run).toMatchObject({ assigned: 6456, staged: 4096 });
  });

  it('takes no notice of what it does not know', () => {
    expect(after({ what: 'resumed by another process' })).toEqual(unwatched);
  });
});

describe('a delivery', () => {
  it('is over when it is its platform’s to end', () => {
    expect(isOver('submitted')).toBe(true);
    expect(isOver('sending')).toBe(false);
  });
});
