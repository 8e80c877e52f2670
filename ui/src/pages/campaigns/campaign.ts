/** Edits of a campaign: from one to the next, without a screen. */
import type { Schemas } from '../../api/client';
import type { Condition } from '../../conditions/model';

export type Campaign = Schemas['Campaign'];
export type SubAudience = Schemas['SubAudience'];
export type Group = Schemas['TreatmentGroup'];
export type GroupDestination = Schemas['GroupDestination'];
export type DestinationUse = Schemas['DestinationUse'];
export type Schedule = Schemas['Schedule'];

/** Makes another campaign of the one that is edited; edits with one key that follow closely are one step. */
export type Edit = (change: (campaign: Campaign) => Campaign, key?: string) => void;

/** Whose groups: the sub-audience at that place, or the customers whom none matches. */
export type Whose = number | 'remaining';

const WHOLE = 10_000;

/** A draft as it is kept, which may lack anything, as a campaign that can be shown. */
export function read(draft: Record<string, unknown>, id: string): Campaign {
  const list = <T>(value: unknown): T[] => (Array.isArray(value) ? (value as T[]) : []);
  const { include, exclude, sub_audiences, remaining, destinations, ...rest } = draft;
  const read: Campaign = {
    first_match_only: true,
    split: 'stable',
    schedule: 'manual',
    name: id,
    ...rest,
    id,
    include: list(include),
  };
  if (exclude !== undefined) read.exclude = list(exclude);
  read.sub_audiences = list<Partial<SubAudience>>(sub_audiences).map((sub) => ({
    name: '',
    where: { all: [] },
    ...sub,
    groups: list(sub.groups),
  }));
  read.remaining = list(remaining);
  if (destinations && typeof destinations === 'object') read.destinations = destinations as Campaign['destinations'];
  return read;
}

export const groupsOf = (campaign: Campaign, whose: Whose): Group[] =>
  (whose === 'remaining' ? campaign.remaining : campaign.sub_audiences?.[whose]?.groups) ?? [];

/** Where the groups are in the campaign, for problems. */
export const pathOf = (whose: Whose): string =>
  whose === 'remaining' ? 'remaining' : `sub_audiences[${whose}].groups`;

const allGroups = (campaign: Campaign): Group[] => [
  ...(campaign.sub_audiences ?? []).flatMap((sub) => sub.groups),
  ...(campaign.remaining ?? []),
];

export const destinationId = (destination: GroupDestination): string =>
  typeof destination === 'string' ? destination : destination.id;

/** The destinations that any group uses, in the order in which they are first used. */
export const usedDestinations = (campaign: Campaign): string[] => [
  ...new Set(allGroups(campaign).flatMap((group) => (group.destinations ?? []).map(destinationId))),
];

/** The id that the server makes of a name. */
export const slug = (name: string): string =>
  name.toLowerCase().replace(/[^a-z0-9]+/g, '_').replace(/^_+/, '').slice(0, 80).replace(/_+$/, '');

/** The same thing under another name. Its id stays what it was made with, so that its list stays the same. */
function renamed<T extends { id?: string | null; name: string }>(thing: T, name: string, keepId: boolean): T {
  const id = thing.id ?? (keepId ? slug(thing.name) : '');
  return id ? { ...thing, id, name } : { ...thing, name };
}

/** A name that none of those has: with a number after it where it is taken. */
export function freshName(wanted: string, taken: { name: string; id?: string | null }[]): string {
  const names = new Set(taken.flatMap((one) => [slug(one.name), one.id ?? '']));
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? wanted : `${wanted} ${number}`;
    if (!names.has(slug(name))) return name;
  }
}

function putGroups(campaign: Campaign, whose: Whose, groups: Group[]): Campaign {
  if (whose === 'remaining') return { ...campaign, remaining: groups };
  return putSub(campaign, whose, (sub) => ({ ...sub, groups }));
}

function putSub(campaign: Campaign, at: number, change: (sub: SubAudience) => SubAudience): Campaign {
  const subs = campaign.sub_audiences ?? [];
  return { ...campaign, sub_audiences: subs.map((sub, index) => (index === at ? change(sub) : sub)) };
}

function putGroup(campaign: Campaign, whose: Whose, at: number, change: (group: Group) => Group): Campaign {
  const groups = groupsOf(campaign, whose);
  return putGroups(campaign, whose, groups.map((group, index) => (index === at ? change(group) : group)));
}

/** A new sub-audience, before the remaining customers: 10 % control, and one treatment. */
export function addSub(campaign: Campaign): Campaign {
  const subs = campaign.sub_audiences ?? [];
  const name = freshName(`Sub-audience ${subs.length + 1}`, subs);
  const taken = allGroups(campaign);
  const sub: SubAudience = {
    name,
    where: { all: [] },
    groups: [
      { name: freshName(`${name} control`, taken), control: true, percent: 10 },
      { name: freshName(`${name} treatment`, taken), percent: 90 },
    ],
  };
  return { ...campaign, sub_audiences: [...subs, sub] };
}

export const removeSub = (campaign: Campaign, at: number): Campaign => ({
  ...campaign,
  sub_audiences: (campaign.sub_audiences ?? []).filter((_, index) => index !== at),
});

export function moveSub(campaign: Campaign, from: number, to: number): Campaign {
  const subs = [...(campaign.sub_audiences ?? [])];
  const [moved] = subs.splice(from, 1);
  if (moved) subs.splice(Math.max(0, Math.min(to, subs.length)), 0, moved);
  return { ...campaign, sub_audiences: subs };
}

export const renameSub = (campaign: Campaign, at: number, name: string, keepId: boolean): Campaign =>
  putSub(campaign, at, (sub) => renamed(sub, name, keepId));

export const setCondition = (campaign: Campaign, at: number, where: Condition): Campaign =>
  putSub(campaign, at, (sub) => ({ ...sub, where }));

/** One more treatment, with what is missing of 100 %. Lists are named by it, and one of Meta should not have `treatment` in its name. */
export function addGroup(campaign: Campaign, whose: Whose): Campaign {
  const groups = groupsOf(campaign, whose);
  const percent = Math.max(0, WHOLE - hundredths(groups)) / 100;
  const name = freshName(`Group ${groups.filter((group) => !group.control).length + 1}`, allGroups(campaign));
  return putGroups(campaign, whose, [...groups, { name, percent }]);
}

export const removeGroup = (campaign: Campaign, whose: Whose, at: number): Campaign =>
  putGroups(campaign, whose, groupsOf(campaign, whose).filter((_, index) => index !== at));

export const renameGroup = (campaign: Campaign, whose: Whose, at: number, name: string, keepId: boolean): Campaign =>
  putGroup(campaign, whose, at, (group) => renamed(group, name, keepId));

/** At most one group is held out, and it goes nowhere. */
export function setControl(campaign: Campaign, whose: Whose, at: number, control: boolean): Campaign {
  const groups = groupsOf(campaign, whose).map((group, index) => {
    const { control: _, ...rest } = group;
    if (index !== at || !control) return rest;
    const { destinations: __, ...held } = rest;
    return { ...held, control: true };
  });
  return putGroups(campaign, whose, groups);
}

export const setPercent = (campaign: Campaign, whose: Whose, at: number, percent: number): Campaign =>
  putGroup(campaign, whose, at, (group) => ({ ...group, percent }));

/** Where the group's list goes; a destination that stays keeps the list of the group's own. */
export const setDestinations = (campaign: Campaign, whose: Whose, at: number, ids: string[]): Campaign =>
  putGroup(campaign, whose, at, ({ destinations = [], ...group }) => {
    const kept = ids.map((id) => destinations.find((one) => destinationId(one) === id) ?? id);
    return kept.length > 0 ? { ...group, destinations: kept } : group;
  });

export const hundredths = (groups: Group[]): number =>
  groups.reduce((sum, group) => sum + Math.round(group.percent * 100), 0);

/** The treatments share evenly what the control group leaves; what cannot be shared goes to the first of them. */
export function evenOut(campaign: Campaign, whose: Whose): Campaign {
  const groups = groupsOf(campaign, whose);
  const control = hundredths(groups.filter((group) => group.control));
  const treatments = groups.filter((group) => !group.control).length;
  if (treatments === 0) return campaign;
  const left = Math.max(0, WHOLE - control);
  const each = Math.floor(left / treatments);
  let over = left - each * treatments;
  const shared = groups.map((group) => {
    if (group.control) return group;
    const more = over > 0 ? 1 : 0;
    over -= more;
    return { ...group, percent: (each + more) / 100 };
  });
  return putGroups(campaign, whose, shared);
}

/** What the campaign says about a destination. Settings that say nothing are left out. */
export function setUse(campaign: Campaign, id: string, change: Partial<DestinationUse>): Campaign {
  const use = Object.fromEntries(
    Object.entries({ ...campaign.destinations?.[id], ...change }).filter(([, value]) => value != null && value !== ''),
  ) as DestinationUse;
  const { [id]: _, ...others } = campaign.destinations ?? {};
  return { ...campaign, destinations: Object.keys(use).length > 0 ? { ...others, [id]: use } : others };
}

/** What decides how many customers there are where; nothing else makes a new count. */
export function counted(campaign: Campaign): Record<string, unknown> {
  const bare = (groups: Group[]) => groups.map(({ destinations: _, ...group }) => group);
  const { id, name, include, exclude, first_match_only, split, split_key, sub_audiences, remaining } = campaign;
  return {
    id, name, include, first_match_only, split,
    ...(exclude && { exclude }),
    ...(split_key && { split_key }),
    sub_audiences: (sub_audiences ?? []).map((sub) => ({ ...sub, groups: bare(sub.groups) })),
    remaining: bare(remaining ?? []),
  };
}
