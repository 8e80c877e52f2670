import type { Schemas } from '../../api/client';

export type Part = Schemas['OverlapPart'];

/** The parts that anybody is in, the largest first, each with its share of all who are in any. */
export function shown(parts: Part[]): (Part & { share: number })[] {
  const any = parts.reduce((sum, part) => sum + part.customers, 0);
  const there = parts.filter((part) => part.customers > 0).sort((one, other) => other.customers - one.customers);
  return there.map((part) => ({ ...part, share: part.customers / any }));
}

/** A part in words: `in A and B alone`. */
export function inWords(part: Part, names: Map<string, string>): string {
  const named = part.segments.map((id) => names.get(id) ?? id);
  return `in ${named.join(' and ')} alone`;
}
