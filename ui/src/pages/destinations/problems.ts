// What the server said is wrong with an edit, at the field that it is about.

import { Refused } from '../../api/client';
import { sentence } from '../../components/Failure';

/** What is wrong, by path, with the remedy. */
export function byPath(error: unknown): Map<string, string> {
  const problems = error instanceof Refused ? error.problems : [];
  return new Map(problems.map(({ path, reason, remedy }) => [String(path), `${sentence(reason)}: ${remedy}.`]));
}

/** The same error without the problems that a field shows. */
export function elsewhere(error: unknown, fields: readonly string[]): unknown {
  if (!(error instanceof Refused)) {
    return error;
  }
  const rest = error.problems.filter(({ path }) => !fields.includes(String(path)));
  return new Refused(error.status, error.message, rest);
}
