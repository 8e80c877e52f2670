/** The attributes that a destination takes, and what is mapped to them. */
import type { Schemas } from '../api/client';

export type Mapping = Schemas['AttributeMapping'];
type Rules = Schemas['Rules'];
type Spec = Schemas['AttributeSpec'];

/** What an attribute takes: `column:Table.column`, or `fact:campaign_id`. */
export type Source = string;

export interface Line {
  name: string;
  /** What the kind says of it; none for one of the user's own. */
  spec: Spec | undefined;
  /** What is mapped to it, and where that is among the mappings; none where it is not sent. */
  mapped: { source: Source; at: number } | undefined;
}

export const sourceOf = (mapping: Mapping): Source =>
  'fact' in mapping ? `fact:${mapping.fact}` : `column:${mapping.column}`;

function mappingOf(attribute: string, source: Source): Mapping {
  const rest = source.slice(source.indexOf(':') + 1);
  return source.startsWith('fact:') ? { attribute, fact: rest as Schemas['Fact'] } : { attribute, column: rest };
}

/** A line for each attribute that the kind knows, then one for each of the user's own. */
export function lines(rules: Rules, mappings: Mapping[]): Line[] {
  const mapped = new Map(mappings.map((mapping, at) => [mapping.attribute, { source: sourceOf(mapping), at }]));
  const known = new Set(rules.attributes.map((spec) => spec.name));
  const own = mappings.map((mapping) => mapping.attribute).filter((name) => !known.has(name));
  return [
    ...rules.attributes.map((spec) => ({ name: spec.name, spec, mapped: mapped.get(spec.name) })),
    ...own.map((name) => ({ name, spec: undefined, mapped: mapped.get(name) })),
  ];
}

/** The mappings with that source for an attribute; without one it is not sent. Order is kept. */
export function withSource(mappings: Mapping[], attribute: string, source: Source | null): Mapping[] {
  if (source === null) return mappings.filter((mapping) => mapping.attribute !== attribute);
  const made = mappingOf(attribute, source);
  const at = mappings.findIndex((mapping) => mapping.attribute === attribute);
  return at < 0 ? [...mappings, made] : mappings.map((mapping, index) => (index === at ? made : mapping));
}

/** Where an attribute comes from when it is first sent: as by default, else the column of its name, else the first. */
export function firstSource(name: string, defaults: Mapping[], columns: Source[]): Source | null {
  const byDefault = defaults.find((mapping) => mapping.attribute === name);
  if (byDefault) return sourceOf(byDefault);
  const last = name.slice(name.lastIndexOf('.') + 1).toLowerCase();
  return columns.find((column) => column.toLowerCase().endsWith(`.${last}`)) ?? columns[0] ?? null;
}

/** Why a name cannot be an attribute of the user's own, as it is typed; none where it can. */
export function wrongName(name: string, rules: Rules, mappings: Mapping[]): string | undefined {
  const prefix = typeof rules.custom === 'object' ? rules.custom.with_prefix : '';
  if (name.trim() === '' || name === prefix) return `Write a name${prefix && ` after \`${prefix}\``}`;
  if (name !== name.trim()) return 'Take the white space off its ends';
  if (!name.startsWith(prefix)) return `Begin it with \`${prefix}\``;
  const taken = rules.attributes.some((spec) => spec.name === name) || mappings.some((one) => one.attribute === name);
  return taken ? 'It is in the table already' : undefined;
}
