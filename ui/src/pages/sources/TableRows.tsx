import { ActionIcon, Alert, Button, Group, Select, Stack, Table, TextInput } from '@mantine/core';
import { IconPlus, IconX } from '@tabler/icons-react';
import type { Problem } from '../../api/client';
import { textAt } from '../../api/problems';
import { ProblemList } from '../../components';
import { newTable, type SourceEdit, type Table as SourceTable } from './source';

const ROWS = [
  { value: 'one', label: 'One a customer' },
  { value: 'many', label: 'Many a customer' },
];

const FORMATS = [
  { value: 'parquet', label: 'Parquet' },
  { value: 'csv', label: 'CSV' },
  { value: 'json_lines', label: 'JSON lines' },
];

interface Props {
  sort: SourceEdit['sort'];
  value: SourceTable[];
  onChange: (tables: SourceTable[]) => void;
  problems: Problem[];
}

/** The tables of a source, a line each. */
export function TableRows({ sort, value, onChange, problems }: Props) {
  const put = (at: number, change: Partial<SourceTable>) =>
    onChange(value.map((one, index) => (index === at ? { ...one, ...change } : one)));
  return (
    <Stack gap="xs">
      <Table aria-label="Tables of the source" verticalSpacing={6}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th w="28%">Name</Table.Th>
            <Table.Th>{sort === 'files' ? 'File, folder or pattern' : 'Relation'}</Table.Th>
            {sort === 'files' && <Table.Th w={140}>Format</Table.Th>}
            <Table.Th w={170}>Rows</Table.Th>
            <Table.Th w={170}>Customer key</Table.Th>
            <Table.Th w={40} aria-label="Remove" />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {value.map((table, at) => {
            const path = `tables[${at}]`;
            const own = problems.filter((problem) => problem.path === path);
            const named = table.name || `table ${at + 1}`;
            return (
              <Table.Tr key={at} style={{ verticalAlign: 'top' }}>
                <Table.Td>
                  <TextInput size="xs" aria-label={`Name of ${named}`} placeholder="Orders" value={table.name}
                    onChange={(event) => put(at, { name: event.currentTarget.value })} error={textAt(problems, `${path}.name`)} />
                  {own.length > 0 && (
                    <Alert color="red" variant="light" p="xs" mt={6}>
                      <ProblemList problems={own} paths={false} />
                    </Alert>
                  )}
                </Table.Td>
                <Table.Td>
                  <TextInput size="xs" aria-label={`Place of ${named}`} placeholder={table.name} value={table.path ?? ''}
                    onChange={(event) => put(at, { path: event.currentTarget.value })} error={textAt(problems, `${path}.path`)} />
                </Table.Td>
                {sort === 'files' && (
                  <Table.Td>
                    <Select size="xs" aria-label={`Format of ${named}`} placeholder="By extension" clearable data={FORMATS}
                      value={table.format ?? null} onChange={(format) => put(at, { format: format as NonNullable<SourceTable['format']> | null })} />
                  </Table.Td>
                )}
                <Table.Td>
                  <Select size="xs" aria-label={`Rows of ${named}`} allowDeselect={false} data={ROWS} value={table.rows ?? 'one'}
                    onChange={(rows) => rows && put(at, { rows: rows as 'one' | 'many' })} />
                </Table.Td>
                <Table.Td>
                  <TextInput size="xs" aria-label={`Customer key of ${named}`} value={table.customer_key ?? ''}
                    onChange={(event) => put(at, { customer_key: event.currentTarget.value })}
                    error={textAt(problems, `${path}.customer_key`)} />
                </Table.Td>
                <Table.Td>
                  <ActionIcon color="gray" aria-label={`Remove ${named}`} onClick={() => onChange(value.filter((_, index) => index !== at))}>
                    <IconX size={16} aria-hidden />
                  </ActionIcon>
                </Table.Td>
              </Table.Tr>
            );
          })}
        </Table.Tbody>
      </Table>
      <Group>
        <Button variant="light" size="xs" leftSection={<IconPlus size={16} aria-hidden />} onClick={() => onChange([...value, newTable()])}>
          Add table
        </Button>
      </Group>
    </Stack>
  );
}
