import { Refused } from '../api/client';
import { isAt } from '../api/problems';

/** The same error without the problems that fields show: those at these places. */
export function elsewhere(error: unknown, places: readonly string[]): unknown {
  if (!(error instanceof Refused)) {
    return error;
  }
  const rest = error.problems.filter((problem) => !places.some((place) => isAt(problem, place)));
  return new Refused(error.status, error.message, rest);
}
