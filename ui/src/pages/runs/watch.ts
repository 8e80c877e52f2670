// A run that is watched: what the store has of it, read again as events tell that it has changed.

import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useReducer } from 'react';

import { api, ask } from '../../api/client';
import { type Happened, happen, type LiveRun, type Step, step, unwatched } from './live';

/** How often a run is read again at most, in milliseconds: events come in bursts. */
const AGAIN = 700;

export const runKey = (run: string) => ['runs', run] as const;

export function useRun(run: string) {
  return useQuery({
    queryKey: runKey(run),
    queryFn: ({ signal }) => ask(api.GET('/runs/{run}', { params: { path: { run } }, signal })),
  });
}

type Told = { anew: true } | { happened: Happened } | { progress: Step };

function told(run: LiveRun, event: Told): LiveRun {
  if ('anew' in event) {
    return unwatched;
  }
  return 'happened' in event ? happen(run, event.happened) : step(run, event.progress);
}

/** A run as its events tell it. Another `again` watches once more: a retry begins a run again that was over. */
export function useEvents(run: string, again: number): LiveRun {
  const [live, tell] = useReducer(told, unwatched);
  const queries = useQueryClient();
  useEffect(() => {
    tell({ anew: true });
    const events = new EventSource(`/api/v1/runs/${encodeURIComponent(run)}/events`);
    let waiting: ReturnType<typeof setTimeout> | undefined;
    const read = () => {
      waiting = undefined;
      void queries.invalidateQueries({ queryKey: runKey(run) });
    };
    events.addEventListener('happened', ({ data }: MessageEvent<string>) => {
      tell({ happened: JSON.parse(data) as Happened });
      waiting ??= setTimeout(read, AGAIN);
    });
    events.addEventListener('progress', ({ data }: MessageEvent<string>) => {
      tell({ progress: JSON.parse(data) as Step });
    });
    events.addEventListener('over', () => {
      // Left open, the browser would ask again and again.
      events.close();
      clearTimeout(waiting);
      void queries.invalidateQueries({ queryKey: ['runs'] });
    });
    return () => {
      events.close();
      clearTimeout(waiting);
    };
  }, [run, again, queries]);
  return live;
}
