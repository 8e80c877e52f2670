import { describe, expect, it } from 'vitest';

import { controlOf, definitionOf, formOf, inOrder, type KindSpec, newForm, type SettingSpec, shown } from './settings';

const setting = (name: string, more: Partial<SettingSpec> = {}): SettingSpec => ({
  name,
  setting_type: 'text',
  required: false,
  secret: false,
  default: null,
  description: '',
  ...more,
});

const kind = {
  kind: 'pigeons',
  title: 'Carrier pigeons',
  settings: [
    setting('loft', { required: true }),
    setting('flock', { setting_type: { integer: { min: 1, max: 100 } }, default: 10 }),
    setting('night', { setting_type: 'boolean', default: true }),
    setting('rings', { setting_type: { choices: ['red', 'blue'] } }),
    setting('whistle', { secret: true }),
  ],
} as unknown as KindSpec;

describe('the form of a destination', () => {
  it('says the same definition that it was made from', () => {
    const destination = {
      id: 'attic',
      name: 'The attic',
      kind: 'pigeons',
      sandbox: false,
      settings: { loft: 'attic', flock: 12, night: false, rings: ['red'] },
      credentials: { whistle: 'env:WHISTLE' },
      consent: { column: 'Customer_360.email_opt_in', operator: 'is_true' },
    } as Parameters<typeof formOf>[0];
    expect(definitionOf(formOf(destination), kind, 'attic', destination)).toEqual(destination);
  });

  it('leaves out what was not given and what holds anyway', () => {
    const form = { ...newForm(kind), fields: { loft: 'attic', flock: '', night: true, rings: [] } };
    expect(definitionOf(form, kind, 'attic')).toMatchObject({ settings: { loft: 'attic' }, credentials: {} });
  });

  it('sends what is no number as it was typed, for the server to judge', () => {
    const form = { ...newForm(kind), fields: { flock: 'many' } };
    expect(definitionOf(form, kind, 'attic').settings).toEqual({ flock: 'many' });
  });

  it('forgets a credential that was emptied', () => {
    const form = { ...newForm(kind), fields: { whistle: '' } };
    expect(definitionOf(form, kind, 'attic').credentials).toEqual({});
  });

  it('shows a switch as it stands without being given', () => {
    expect(shown(kind.settings[2]!, newForm(kind))).toBe(true);
    expect(shown(kind.settings[0]!, newForm(kind))).toBeUndefined();
  });

  it('asks first for what is needed and for secrets', () => {
    const { needed, more } = inOrder(kind);
    expect(needed.map(({ name }) => name)).toEqual(['loft', 'whistle']);
    expect(more.map(({ name }) => name)).toEqual(['flock', 'night', 'rings']);
  });
});

describe('a setting', () => {
  it('is edited as its type says, and a secret never as what it is', () => {
    expect(controlOf(kind.settings[1]!)).toEqual({ control: 'integer', min: 1, max: 100 });
    expect(controlOf(kind.settings[3]!)).toEqual({ control: 'choices', choices: ['red', 'blue'] });
    expect(controlOf(kind.settings[4]!)).toEqual({ control: 'secret' });
  });
});
