import { MultiSelect, Select, Switch, TextInput } from '@mantine/core';

import { Words } from '../../components';
import { controlOf, type FieldValue, type SettingSpec } from './settings';

/** A setting as its kind describes it. */
export function SettingField({
  spec,
  value,
  error,
  columns,
  onChange,
}: {
  spec: SettingSpec;
  value: FieldValue | undefined;
  error: string | undefined;
  columns: string[];
  onChange: (value: FieldValue) => void;
}) {
  const control = controlOf(spec);
  const common = { label: spec.name, description: <Words text={spec.description} />, error, withAsterisk: spec.required };
  const usual = spec.default === null || spec.default === undefined ? '' : String(spec.default);
  const text = typeof value === 'string' ? value : '';
  switch (control.control) {
    case 'switch':
      return (
        <Switch
          label={spec.name}
          description={<Words text={spec.description} />}
          error={error}
          checked={value === true}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
      );
    case 'choice':
      return (
        <Select
          {...common}
          data={control.choices}
          value={text || null}
          placeholder={usual}
          clearable={!spec.required}
          onChange={(chosen) => onChange(chosen ?? '')}
        />
      );
    case 'choices':
      return (
        <MultiSelect
          {...common}
          data={control.choices}
          value={Array.isArray(value) ? value : []}
          onChange={(chosen) => onChange(chosen)}
          clearable
        />
      );
    case 'column':
      return (
        <Select
          {...common}
          data={columns}
          value={text || null}
          placeholder="Table.column"
          searchable
          clearable
          limit={50}
          onChange={(chosen) => onChange(chosen ?? '')}
        />
      );
    case 'secret':
      return (
        <TextInput
          {...common}
          description={<Words text={`${spec.description}. Say where it is kept, never the secret itself.`} />}
          placeholder={`env:${spec.name.toUpperCase()}, file:PATH or stored:NAME`}
          value={text}
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      );
    case 'integer':
      return (
        <TextInput
          {...common}
          inputMode="numeric"
          placeholder={usual || `${control.min} to ${control.max}`}
          value={text}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      );
    case 'text':
      return (
        <TextInput
          {...common}
          placeholder={usual || control.placeholder}
          value={text}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      );
  }
}
