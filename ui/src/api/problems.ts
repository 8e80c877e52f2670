/** Problems by the place that they are about. */
import type { Problem } from './client';

/** Whether a problem is about the place, or something in it. */
export const isAt = (problem: Problem, path: string): boolean =>
  path === '' ||
  problem.path === path ||
  problem.path.startsWith(`${path}.`) ||
  problem.path.startsWith(`${path}[`);

/** The problems of a place and what is in it. */
export const problemsAt = (problems: Problem[], path: string): Problem[] =>
  problems.filter((problem) => isAt(problem, path));

/** The first error among them as the text at a field. */
export function textAt(problems: Problem[], path: string): string | undefined {
  const found = problemsAt(problems, path).find((problem) => problem.severity === 'error');
  return found && `${found.reason.charAt(0).toUpperCase()}${found.reason.slice(1)}: ${found.remedy}.`.replace(/`([^`]*)`/g, '“$1”');
}
