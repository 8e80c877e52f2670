import { Group, Select } from '@mantine/core';
import type { Setting } from './ConditionBuilder';
import { type ColumnTest, type Operator, OPERATORS, operatorLabel, typeOf, withColumn, withOperator } from './model';
import { OperandInput } from './OperandInput';

interface Props {
  value: ColumnTest;
  onChange: (test: ColumnTest) => void;
  setting: Setting;
}

/** A column compared with a value. */
export function ColumnRow({ value, onChange, setting }: Props) {
  const type = typeOf(setting.tables, value.column);
  const tables = setting.tables.filter((table) =>
    setting.rowsOf ? table.name === setting.rowsOf : table.rows_per_customer === 'one',
  );
  const columns = tables.map((table) => ({
    group: table.name,
    items: table.columns.map((column) => ({ value: `${table.name}.${column.name}`, label: column.name })),
  }));
  return (
    <Group gap="xs" wrap="wrap" align="flex-start">
      <Select
        size="xs"
        w={210}
        aria-label="Column"
        placeholder="Choose a column"
        searchable
        allowDeselect={false}
        data={columns}
        value={value.column || null}
        onChange={(column) => column && onChange(withColumn(setting.tables, value, column))}
      />
      {value.column !== '' && (
        <>
          <Select
            size="xs"
            w={190}
            aria-label="Operator"
            allowDeselect={false}
            data={OPERATORS[type].map((operator) => ({ value: operator, label: operatorLabel(operator, type) }))}
            value={value.operator}
            onChange={(operator) => operator && onChange(withOperator(value, operator as Operator))}
          />
          <OperandInput
            operator={value.operator}
            type={type}
            value={value.value}
            column={value.column}
            onChange={(operand) => onChange({ ...value, value: operand })}
          />
        </>
      )}
    </Group>
  );
}
