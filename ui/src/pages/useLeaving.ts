import { useBlocker } from '@tanstack/react-router';
import { useRef } from 'react';

/** Asks before a page with changes is left. What it gives lets go of them: they are saved, or gone on purpose. */
export function useLeaving(changed: boolean): () => void {
  const free = useRef(false);
  useBlocker({
    shouldBlockFn: () => changed && !free.current && !window.confirm('Leave without saving what you changed?'),
    enableBeforeUnload: () => changed && !free.current,
  });
  return () => {
    free.current = true;
  };
}
