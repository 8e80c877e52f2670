// What is known of a run from its events: a value that each event makes anew, so that a late page and a watching one agree.

export type RunPhase = 'assigning' | 'staging' | 'delivering' | 'finished';
export type Outcome = 'succeeded' | 'partial' | 'failed' | 'cancelled';

/** An event `happened`: what the ledger has of the run, or of one of its deliveries. */
export interface Happened {
  delivery: string | null;
  at: string;
  what: string;
}

/** An event `progress`: how far the run is. */
export type Step =
  | { step: 'assigning' }
  | { step: 'assigned'; rows: number }
  | { step: 'staging'; rows: number }
  | { step: 'sending'; delivery: string }
  | { step: 'limited'; delivery: string; until: string | null }
  | { step: 'sent'; delivery: string };

export interface LiveRun {
  phase: RunPhase;
  outcome: Outcome | null;
  /** When each phase began. */
  began: Partial<Record<RunPhase, string>>;
  /** Rows of the snapshot, once it is written. */
  assigned: number | null;
  /** Rows that were read to be staged, over all passes. */
  staged: number;
  /** Where each delivery stands. */
  states: Record<string, string>;
  /** Until when a platform limits a delivery. */
  limited: Record<string, string>;
}

export const unwatched: LiveRun = {
  phase: 'assigning',
  outcome: null,
  began: {},
  assigned: null,
  staged: 0,
  states: {},
  limited: {},
};

const phases: readonly string[] = ['assigning', 'staging', 'delivering'] satisfies RunPhase[];
const outcomes: readonly string[] = ['succeeded', 'partial', 'failed', 'cancelled'] satisfies Outcome[];

/** `staging -> sending` became `sending`; the first word of anything stands alone. */
function became(what: string): string {
  return what.split(' -> ').at(-1) ?? what;
}

/** The run after something happened. */
export function happen(run: LiveRun, { delivery, at, what }: Happened): LiveRun {
  const now = became(what);
  if (delivery !== null) {
    return { ...run, states: { ...run.states, [delivery]: now } };
  }
  if (phases.includes(now)) {
    const phase = now as RunPhase;
    // A retry takes a finished run back to its deliveries.
    return { ...run, phase, outcome: null, began: { ...run.began, [phase]: at } };
  }
  if (outcomes.includes(now)) {
    return { ...run, phase: 'finished', outcome: now as Outcome, began: { ...run.began, finished: at }, limited: {} };
  }
  return run;
}

/** The run after a step. */
export function step(run: LiveRun, step: Step): LiveRun {
  switch (step.step) {
    case 'assigned':
      return { ...run, assigned: step.rows };
    case 'staging':
      return { ...run, staged: step.rows };
    case 'limited': {
      const limited = { ...run.limited };
      if (step.until === null) {
        delete limited[step.delivery];
      } else {
        limited[step.delivery] = step.until;
      }
      return { ...run, limited };
    }
    case 'sent': {
      const limited = { ...run.limited };
      delete limited[step.delivery];
      return { ...run, limited };
    }
    case 'assigning':
    case 'sending':
      return run;
  }
}

/** The states in which nothing more happens to a delivery in this run. */
const over: readonly string[] = ['submitted', 'delivered', 'partial', 'failed', 'cancelled'];

/** Whether a delivery is over, or its platform's to end. */
export function isOver(state: string): boolean {
  return over.includes(state);
}
