import { Button, Group, Select, Stack, Text } from '@mantine/core';
import { RootGroup, type Setting } from './ConditionBuilder';
import {
  aggregateOperators, type AggregateTest, aggregateType, fitted, type Operator, operatorLabel, withFunction,
} from './model';
import { OperandInput } from './OperandInput';

const FUNCTIONS: { value: AggregateTest['aggregate']; label: string }[] = [
  { value: 'exists', label: 'has a row of' },
  { value: 'count', label: 'number of rows of' },
  { value: 'sum', label: 'sum over' },
  { value: 'avg', label: 'average over' },
  { value: 'min', label: 'smallest over' },
  { value: 'max', label: 'largest over' },
];

interface Props {
  value: AggregateTest;
  onChange: (test: AggregateTest) => void;
  path: string;
  setting: Setting;
}

/** An aggregate over the rows of a many-rows table that satisfy conditions, compared with a value. */
export function AggregateRow({ value, onChange, path, setting }: Props) {
  const { tables } = setting;
  const table = tables.find((one) => one.name === value.table);
  const type = aggregateType(tables, value);
  const measured = value.aggregate !== 'exists' && value.aggregate !== 'count';
  const ranked = value.aggregate === 'min' || value.aggregate === 'max';
  const columns = (table?.columns ?? []).filter((column) => ranked || column.column_type === 'number');
  const put = (operator: Operator) => {
    const { value: _, ...rest } = value;
    const operand = fitted(operator, value.value);
    onChange(operand === undefined ? { ...rest, operator } : { ...rest, operator, value: operand });
  };
  return (
    <Stack gap="xs">
      <Group gap="xs" align="flex-start">
        <Select
          size="xs"
          w={160}
          aria-label="What is taken of the rows"
          allowDeselect={false}
          data={FUNCTIONS}
          value={value.aggregate}
          onChange={(word) => word && onChange(withFunction(tables, value, word as AggregateTest['aggregate']))}
        />
        <Text size="sm" fw={500} pt={5}>
          {value.table}
        </Text>
        {measured && (
          <Select
            size="xs"
            w={150}
            aria-label="Column"
            placeholder="Choose a column"
            allowDeselect={false}
            data={columns.map((column) => column.name)}
            value={value.of ?? null}
            onChange={(of) => of && onChange(withFunction(tables, { ...value, of }, value.aggregate))}
          />
        )}
        {value.operator && (
          <>
            <Select
              size="xs"
              w={150}
              aria-label="Operator"
              allowDeselect={false}
              data={aggregateOperators(type).map((one) => ({ value: one, label: operatorLabel(one, type) }))}
              value={value.operator}
              onChange={(operator) => operator && put(operator as Operator)}
            />
            <OperandInput
              operator={value.operator}
              type={type}
              value={value.value}
              onChange={(operand) => onChange({ ...value, value: operand })}
            />
          </>
        )}
      </Group>
      {value.where ? (
        <Stack gap={4}>
          <Group gap="xs">
            <Text size="xs" c="dimmed">
              over the rows for which
            </Text>
            <Button
              size="compact-xs"
              variant="subtle"
              color="gray"
              onClick={() => {
                const { where: _, ...rest } = value;
                onChange(rest);
              }}
            >
              take all rows
            </Button>
          </Group>
          <RootGroup
            value={value.where}
            onChange={(where) => onChange({ ...value, where })}
            path={`${path}.where`}
            setting={{ ...setting, rowsOf: value.table }}
          />
        </Stack>
      ) : (
        <Group gap="xs">
          <Text size="xs" c="dimmed">
            over all rows
          </Text>
          <Button
            size="compact-xs"
            variant="subtle"
            onClick={() => onChange({ ...value, where: { column: '', operator: 'is' } })}
          >
            only some rows
          </Button>
        </Group>
      )}
    </Stack>
  );
}
