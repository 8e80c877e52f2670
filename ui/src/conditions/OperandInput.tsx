import { Autocomplete, Group, NumberInput, Select, TagsInput, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { valuesQuery } from '../api/queries';
import { shown } from '../components/Count';
import { type ColumnType, isRange, isSpan, type Operand, type Operator, type Scalar, scalar, shapeOf } from './model';

interface Props {
  operator: Operator;
  type: ColumnType;
  value: Operand | null | undefined;
  /** The column whose frequent values are offered; none where there is no such column. */
  column?: string;
  onChange: (value: Operand) => void;
}

const MONTHS = Array.from({ length: 12 }, (_, at) => ({
  value: String(at + 1),
  label: new Intl.DateTimeFormat(undefined, { month: 'long' }).format(new Date(2024, at, 1)),
}));

/** What a column is compared with, in the shape that the operator takes. */
export function OperandInput({ operator, type, value, column, onChange }: Props) {
  switch (shapeOf(operator)) {
    case 'none':
      return null;
    case 'list':
      return <ListInput type={type} value={Array.isArray(value) ? value : []} column={column} onChange={onChange} />;
    case 'range': {
      const range = isRange(value) ? value : { from: '', to: '' };
      return (
        <Group gap={6}>
          <OneInput label="From" type={type} value={range.from} onChange={(from) => onChange({ ...range, from })} />
          <Text size="xs">and</Text>
          <OneInput label="To" type={type} value={range.to} onChange={(to) => onChange({ ...range, to })} />
        </Group>
      );
    }
    case 'span':
      return <SpanInput value={value} onChange={onChange} />;
    case 'percent':
      return (
        <NumberInput size="xs" w={90} aria-label="Per cent" suffix=" %" min={0} max={100} decimalScale={2}
          value={typeof value === 'number' ? value : ''} onChange={(next) => typeof next === 'number' && onChange(next)} />
      );
    case 'day':
      return (
        <NumberInput size="xs" w={80} aria-label="Day of the month" min={1} max={31} allowDecimal={false}
          value={typeof value === 'number' ? value : ''} onChange={(next) => typeof next === 'number' && onChange(next)} />
      );
    case 'month':
      return (
        <Select size="xs" w={140} aria-label="Month" allowDeselect={false} data={MONTHS}
          value={typeof value === 'number' ? String(value) : null} onChange={(month) => month && onChange(Number(month))} />
      );
    case 'one': {
      const one: Scalar = typeof value === 'object' || value == null ? '' : value;
      return <OneInput label="Value" type={type} value={one} column={column} onChange={onChange} />;
    }
  }
}

interface OneProps {
  label: string;
  type: ColumnType;
  value: Scalar;
  column?: string;
  onChange: (value: Scalar) => void;
}

function OneInput({ label, type, value, column, onChange }: OneProps) {
  const [focused, setFocused] = useState(false);
  const frequent = useFrequent(type === 'text' && focused ? column : undefined, String(value));
  if (type === 'number') {
    return (
      <NumberInput size="xs" w={120} aria-label={label} value={value} onChange={(next) => onChange(scalar(String(next), type))} />
    );
  }
  if (type === 'date' || type === 'timestamp') {
    return (
      <TextInput size="xs" w={140} type="date" aria-label={label} value={String(value)}
        onChange={(event) => onChange(event.currentTarget.value)} />
    );
  }
  return (
    <Autocomplete
      size="xs"
      w={200}
      aria-label={label}
      placeholder="Value"
      value={String(value)}
      onChange={onChange}
      data={frequent.map((one) => one.value)}
      filter={({ options }) => options}
      renderOption={({ option }) => <Frequent value={option.value} rows={frequent.find((one) => one.value === option.value)?.rows} />}
      onFocus={() => setFocused(true)}
      onBlur={() => setFocused(false)}
    />
  );
}

interface ListProps {
  type: ColumnType;
  value: Scalar[];
  column?: string;
  onChange: (value: Scalar[]) => void;
}

function ListInput({ type, value, column, onChange }: ListProps) {
  const [typed, setTyped] = useState('');
  const [focused, setFocused] = useState(false);
  const frequent = useFrequent(focused ? column : undefined, typed);
  return (
    <TagsInput
      size="xs"
      miw={240}
      maw={460}
      aria-label="Values"
      placeholder={value.length === 0 ? 'Values, each ended by Enter' : undefined}
      value={value.map(String)}
      onChange={(next) => onChange(next.map((one) => scalar(one, type)))}
      searchValue={typed}
      onSearchChange={setTyped}
      data={frequent.map((one) => one.value)}
      renderOption={({ option }) => <Frequent value={option.value} rows={frequent.find((one) => one.value === option.value)?.rows} />}
      acceptValueOnBlur
      onFocus={() => setFocused(true)}
      onBlur={() => setFocused(false)}
    />
  );
}

/** The most frequent values of a column, once one asks for them. */
function useFrequent(column: string | undefined, prefix: string) {
  const [asked] = useDebouncedValue(prefix, 250);
  const dot = column?.indexOf('.') ?? -1;
  const query = useQuery(valuesQuery(column?.slice(0, dot) ?? '', column?.slice(dot + 1) ?? '', asked, dot > 0));
  return query.data?.items ?? [];
}

function Frequent({ value, rows }: { value: string; rows: number | undefined }) {
  return (
    <Group justify="space-between" w="100%" wrap="nowrap">
      <Text size="xs" truncate>
        {value}
      </Text>
      <Text size="xs" c="dimmed">
        {shown(rows)}
      </Text>
    </Group>
  );
}

function SpanInput({ value, onChange }: { value: Operand | null | undefined; onChange: (value: Operand) => void }) {
  const span = isSpan(value) ? value : { days: 30 };
  const [unit, many] = Object.entries(span)[0] ?? ['days', 30];
  const put = (next: number, of: string) =>
    onChange(of === 'weeks' ? { weeks: next } : of === 'months' ? { months: next } : { days: next });
  return (
    <Group gap={6}>
      <NumberInput size="xs" w={80} aria-label="How many" min={0} allowDecimal={false} value={many}
        onChange={(next) => typeof next === 'number' && put(next, unit)} />
      <Select size="xs" w={100} aria-label="Unit" allowDeselect={false} data={['days', 'weeks', 'months']} value={unit}
        onChange={(of) => of && put(many, of)} />
    </Group>
  );
}
