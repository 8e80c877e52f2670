import { describe, expect, it } from 'vitest';

import { type Delivery, deliveryId, didNotArrive, isStaged, parts, sum } from './counts';

const delivery = (more: Partial<Delivery>): Delivery => ({
  sub_audience: 'At risk',
  group: 'Win back',
  destination: 'mail',
  kind: 'mail',
  list_name: 'Win back',
  customers: 100,
  shrink: {},
  expansion: 0,
  dropped: {},
  rows: 100,
  state: 'delivered',
  targets: [],
  list: null,
  error: null,
  ...more,
});

const list = {
  list_id: 'L1',
  created: false,
  sent: 60,
  kept: 30,
  rejected: { invalid_email: 4, row_too_large: 1 },
  unknown: 5,
  removed: 7,
  jobs: [],
  notes: [],
};

describe('the bar of a delivery', () => {
  it('has parts that add up to its rows; removed members are no rows', () => {
    const all = parts(delivery({ list }));
    expect(all.map(({ label, rows }) => [label, rows])).toEqual([
      ['sent', 60],
      ['there already', 30],
      ['rejected', 5],
      ['unknown', 5],
    ]);
    expect(sum(Object.fromEntries(all.map(({ label, rows }) => [label, rows])))).toBe(100);
  });

  it('is whole for a file that was delivered, and empty for one that is not yet', () => {
    expect(parts(delivery({}))).toMatchObject([{ label: 'written', rows: 100 }]);
    expect(parts(delivery({ state: 'sending' }))).toEqual([]);
  });
});

describe('a delivery', () => {
  it('is named by ids where a run has names', () => {
    const group = { id: 'win_back', name: 'Win back', control: false, customers: 1 };
    const audience = {
      customers: 1,
      left_out: {},
      sub_audiences: [{ id: 'at_risk', name: 'At risk', customers: 1, groups: [group] }],
    };
    expect(deliveryId({ audience }, delivery({}))).toBe('at_risk.win_back.mail');
  });

  it('has no counts before it is staged', () => {
    expect(isStaged(delivery({ state: 'staging', customers: 0, rows: 0 }))).toBe(false);
    expect(isStaged(delivery({ state: 'staging' }))).toBe(true);
    expect(isStaged(delivery({ state: 'delivered', customers: 0, rows: 0 }))).toBe(true);
  });

  it('may be sent again where it did not arrive whole', () => {
    const deliveries = ['delivered', 'partial', 'failed', 'submitted'].map((state) => delivery({ state }));
    expect(didNotArrive({ deliveries }).map(({ state }) => state)).toEqual(['partial', 'failed']);
  });
});
