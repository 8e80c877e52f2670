import { describe, expect, test } from 'vitest';
import {
  addGroup, addSub, type Campaign, counted, evenOut, groupsOf, hundredths, moveSub, read, removeSub, renameGroup, setControl,
  setDestinations, setUse, slug, usedDestinations,
} from './campaign';

const draft = (more: Record<string, unknown> = {}): Campaign =>
  read({ name: 'Win back', include: ['active'], remaining: [{ name: 'C', control: true, percent: 10 }, { name: 'T', percent: 90 }], ...more }, 'win_back');

test('a draft that lacks everything can be shown', () => {
  expect(read({}, 'x')).toEqual({
    id: 'x', name: 'x', include: [], first_match_only: true, split: 'stable', schedule: 'manual', sub_audiences: [], remaining: [],
  });
  expect(read({ include: 'nonsense', sub_audiences: [{}] }, 'x').sub_audiences).toEqual([{ name: '', where: { all: [] }, groups: [] }]);
});

test('what the builder does not know is kept', () => {
  expect(draft({ split_key: 'holdout' }).split_key).toBe('holdout');
});

describe('evening out', () => {
  test('shares what control leaves, to the hundredth, whatever the number of treatments', () => {
    let campaign = draft();
    for (let treatments = 1; treatments <= 20; treatments += 1) {
      campaign = evenOut(campaign, 'remaining');
      const groups = groupsOf(campaign, 'remaining');
      expect(hundredths(groups)).toBe(10_000);
      expect(groups[0]?.percent).toBe(10);
      const shares = groups.slice(1).map((group) => Math.round(group.percent * 100));
      expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
      campaign = addGroup(campaign, 'remaining');
    }
  });

  test('leaves a control group alone', () => {
    const campaign = draft({ remaining: [{ name: 'C', control: true, percent: 10 }] });
    expect(evenOut(campaign, 'remaining')).toBe(campaign);
  });
});

test('a new sub-audience has 10 % control and one treatment, with names that nobody has', () => {
  const campaign = addSub(addSub(draft()));
  const names = [...(campaign.sub_audiences ?? []).flatMap((sub) => sub.groups), ...(campaign.remaining ?? [])].map((group) => slug(group.name));
  expect(new Set(names).size).toBe(names.length);
  expect(groupsOf(campaign, 1).map((group) => [group.control ?? false, group.percent])).toEqual([[true, 10], [false, 90]]);
});

test('a group that is renamed keeps the id that its list goes by', () => {
  const once = renameGroup(draft(), 'remaining', 1, 'Free shipping', true);
  expect(groupsOf(once, 'remaining')[1]).toEqual({ id: 't', name: 'Free shipping', percent: 90 });
  expect(groupsOf(renameGroup(once, 'remaining', 1, 'Other', true), 'remaining')[1]?.id).toBe('t');
  expect(groupsOf(renameGroup(draft(), 'remaining', 1, 'Free', false), 'remaining')[1]).not.toHaveProperty('id');
});

test('one group at most is held out, and it goes nowhere', () => {
  const sent = setDestinations(draft(), 'remaining', 1, ['klaviyo']);
  const groups = groupsOf(setControl(sent, 'remaining', 1, true), 'remaining');
  expect(groups).toEqual([{ name: 'C', percent: 10 }, { name: 'T', percent: 90, control: true }]);
});

test('a destination that stays keeps the list of the group’s own', () => {
  const list = { id: 'klaviyo', list_id: 'XyZ' };
  const campaign = draft({ remaining: [{ name: 'T', percent: 100, destinations: [list] }] });
  const changed = setDestinations(campaign, 'remaining', 0, ['meta', 'klaviyo']);
  expect(groupsOf(changed, 'remaining')[0]?.destinations).toEqual(['meta', list]);
  expect(usedDestinations(changed)).toEqual(['meta', 'klaviyo']);
});

test('sub-audiences move and go without touching others', () => {
  const campaign = addSub(addSub(addSub(draft())));
  const names = (now: Campaign) => now.sub_audiences?.map((sub) => sub.name);
  expect(names(moveSub(campaign, 0, 2))).toEqual(['Sub-audience 2', 'Sub-audience 3', 'Sub-audience 1']);
  expect(names(moveSub(campaign, 0, -1))).toEqual(names(campaign));
  expect(names(removeSub(campaign, 1))).toEqual(['Sub-audience 1', 'Sub-audience 3']);
});

test('settings of a destination that say nothing are not written', () => {
  const campaign = setUse(draft(), 'klaviyo', { name: 'x' });
  expect(campaign.destinations).toEqual({ klaviyo: { name: 'x' } });
  expect(setUse(campaign, 'klaviyo', { name: '' }).destinations).toEqual({});
});

test('where lists go does not make a new count', () => {
  const campaign = draft();
  expect(counted(setDestinations(campaign, 'remaining', 1, ['klaviyo']))).toEqual(counted(campaign));
});
