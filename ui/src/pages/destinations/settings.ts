// The form of a destination, from what its kind says of itself: no kind is known here by name.

import type { Schemas } from '../../api/client';
import type { Condition } from '../../conditions/model';
import { freeName } from '../../ids';

export type Destination = Schemas['Destination'];
/** What a form and what stands about it need of a kind. */
export type KindSpec = Pick<
  Schemas['KindSpec'],
  'kind' | 'title' | 'description' | 'settings' | 'list' | 'memberships' | 'writes_files' | 'unverified'
> & { rules: { summary: string } };
export type SettingSpec = Schemas['SettingSpec'];

/** What a field holds while it is edited: text for all that is typed, so that what is half typed is kept. */
export type FieldValue = string | boolean | string[];

/** A destination while it is edited. */
export interface Form {
  name: string;
  sandbox: boolean;
  /** Who may be sent there at all; `null` for everybody. */
  consent: Condition | null;
  /** By the names of settings and credentials; those that were never touched are not there. */
  fields: Record<string, FieldValue>;
}

/** How a setting is edited. */
export type Control =
  | { control: 'text'; placeholder: string }
  | { control: 'integer'; min: number; max: number }
  | { control: 'switch' }
  | { control: 'choice'; choices: string[] }
  | { control: 'choices'; choices: string[] }
  | { control: 'column' }
  | { control: 'secret' };

export function controlOf(spec: SettingSpec): Control {
  if (spec.secret) {
    return { control: 'secret' };
  }
  const type = spec.setting_type;
  if (typeof type === 'object') {
    if ('integer' in type) {
      return { control: 'integer', ...type.integer };
    }
    return 'choice' in type
      ? { control: 'choice', choices: type.choice }
      : { control: 'choices', choices: type.choices };
  }
  switch (type) {
    case 'boolean':
      return { control: 'switch' };
    case 'column':
      return { control: 'column' };
    case 'digits':
      return { control: 'text', placeholder: 'Digits' };
    case 'url':
      return { control: 'text', placeholder: 'https://' };
    case 'region':
      return { control: 'text', placeholder: 'Two letters, such as US' };
    case 'text':
      return { control: 'text', placeholder: '' };
  }
}

/** The form of a destination that there is. */
export function formOf(destination: Destination): Form {
  const fields: Form['fields'] = { ...destination.credentials };
  for (const [name, value] of Object.entries(destination.settings ?? {})) {
    fields[name] = Array.isArray(value) || typeof value === 'boolean' ? value : String(value);
  }
  return { name: destination.name, sandbox: destination.sandbox ?? false, consent: destination.consent ?? null, fields };
}

/** The form of a new destination of a kind, beside those that have these ids. */
export function newForm(spec: KindSpec, taken: readonly string[] = []): Form {
  return { name: freeName(spec.title, taken), sandbox: false, consent: null, fields: {} };
}

/** What a field shows: what was given, else what holds without it. */
export function shown(spec: SettingSpec, form: Form): FieldValue | undefined {
  const given = form.fields[spec.name];
  if (given !== undefined) {
    return given;
  }
  return typeof spec.default === 'boolean' ? spec.default : undefined;
}

/** A field as a definition has it; `undefined` where nothing was given. */
function written(spec: SettingSpec, value: FieldValue | undefined): unknown {
  if (value === undefined || value === '' || (Array.isArray(value) && value.length === 0)) {
    return undefined;
  }
  if (spec.setting_type === 'boolean' && value === spec.default) {
    return undefined;
  }
  const integer = typeof spec.setting_type === 'object' && 'integer' in spec.setting_type;
  // What is no number is sent as it was typed: the server says what is wrong with it, at its field.
  return integer && /^-?\d+$/.test(String(value)) ? Number(value) : value;
}

/** The definition that a form says, over what the destination says that no form shows (contract, defaults). */
export function definitionOf(form: Form, spec: KindSpec, id: string, over?: Destination): Destination {
  const settings: Record<string, unknown> = {};
  const credentials: Record<string, string> = {};
  for (const setting of spec.settings) {
    const value = written(setting, form.fields[setting.name]);
    if (value === undefined) {
      continue;
    }
    if (setting.secret) {
      credentials[setting.name] = String(value);
    } else {
      settings[setting.name] = value;
    }
  }
  const { name, sandbox, consent } = form;
  return { ...over, id, name: name.trim(), kind: spec.kind, sandbox, settings, credentials, consent };
}

/** Settings that a destination must have, before those that it may. */
export function inOrder(spec: KindSpec): { needed: SettingSpec[]; more: SettingSpec[] } {
  const needed = spec.settings.filter((setting) => setting.required || setting.secret);
  return { needed, more: spec.settings.filter((setting) => !needed.includes(setting)) };
}
