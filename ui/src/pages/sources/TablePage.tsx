import { Badge, Code, Group, Paper, Progress, SimpleGrid, Stack, Table, Text, Title, UnstyledButton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';

import { api, ask, type Schemas } from '../../api/client';
import { Count, Failure, Loading, PageHeader, TextLink } from '../../components';
import { useWhyNot } from '../../session/useMay';
import { tableQuery } from './queries';

type TableDetail = Schemas['TableDetail'];

const number = new Intl.NumberFormat();

/** A table: its columns, what is in them, and its first rows. */
export default function TablePage() {
  const { table: name = '' } = useParams({ strict: false });
  const table = useQuery(tableQuery(name));
  if (table.error) {
    return <Failure title="The table cannot be shown" error={table.error} />;
  }
  return table.data ? <Shown key={name} table={table.data} /> : <Loading what="the table" />;
}

function Shown({ table }: { table: TableDetail }) {
  const [column, setColumn] = useState<string | null>(null);
  const whyNot = useWhyNot();
  return (
    <Stack gap="lg">
      <PageHeader title={table.name}>
          <Group gap="xs">
            <TextLink to="/sources">All sources</TextLink> · <Count value={table.rows} size="sm" /> rows, {table.rows_per_customer} a customer, of the source {table.source};
            customers by <Code>{table.customer_key}</Code>
            {table.is_customer_table && (
              <Badge variant="default" tt="none" fw={500} radius="sm">
                says who exists
              </Badge>
            )}
          </Group>
      </PageHeader>
      <SimpleGrid cols={2} spacing="xl">
        <section>
          <Title order={2} size="h4" mb="xs">
            Columns
          </Title>
          <Columns table={table} chosen={column} onChoose={setColumn} />
        </section>
        <section aria-live="polite">
          <Title order={2} size="h4" mb="xs">
            {column === null ? 'Values' : `Most frequent values of ${column}`}
          </Title>
          {whyNot('list_values') ? (
            <Text c="dimmed" size="sm">
              {whyNot('list_values')}.
            </Text>
          ) : column === null ? (
            <Text c="dimmed" size="sm">
              Choose a column to see what is in it.
            </Text>
          ) : (
            <Values table={table} column={column} />
          )}
        </section>
      </SimpleGrid>
      <section>
        <Title order={2} size="h4" mb="xs">
          First rows
        </Title>
        {whyNot('sample_table') ? (
          <Text c="dimmed" size="sm">
            {whyNot('sample_table')}.
          </Text>
        ) : (
          <Sample table={table.name} />
        )}
      </section>
    </Stack>
  );
}

function Columns({
  table,
  chosen,
  onChoose,
}: {
  table: TableDetail;
  chosen: string | null;
  onChoose: (column: string) => void;
}) {
  return (
    <Paper withBorder bg="var(--card)">
    <Table verticalSpacing={6} highlightOnHover aria-label="Columns">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Column</Table.Th>
          <Table.Th>Type</Table.Th>
          <Table.Th>Meaning</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {table.columns.map((column) => (
          <Table.Tr key={column.name} bg={chosen === column.name ? 'var(--mantine-color-default-hover)' : undefined}>
            <Table.Td>
              <UnstyledButton
                fz="sm"
                fw={500}
                c={chosen === column.name ? undefined : 'var(--mantine-color-anchor)'}
                aria-pressed={chosen === column.name}
                onClick={() => onChoose(column.name)}
              >
                {column.name}
              </UnstyledButton>
              {column.name === table.customer_key && (
                <Text span size="xs" c="dimmed">
                  {' '}
                  customer key
                </Text>
              )}
            </Table.Td>
            <Table.Td>{column.column_type}</Table.Td>
            <Table.Td>{column.semantic ?? ''}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
    </Paper>
  );
}

function Values({ table, column }: { table: TableDetail; column: string }) {
  const values = useQuery({
    queryKey: ['tables', table.name, 'values', column],
    queryFn: ({ signal }) =>
      ask(
        api.GET('/tables/{table}/columns/{column}/values', {
          params: { path: { table: table.name, column }, query: { limit: 12 } },
          signal,
        }),
      ),
  });
  if (values.error) {
    return <Failure title="The values cannot be shown" error={values.error} />;
  }
  if (!values.data) {
    return <Loading what="values" />;
  }
  if (values.data.items.length === 0) {
    return <Text c="dimmed">It has no values: every row is null.</Text>;
  }
  return (
    <Paper withBorder bg="var(--card)">
    <Table verticalSpacing={6} aria-label="Values">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Value</Table.Th>
          <Table.Th ta="right">Rows</Table.Th>
          <Table.Th w="35%">Share</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {values.data.items.map(({ value, rows }) => {
          const share = table.rows === 0 ? 0 : (rows / table.rows) * 100;
          return (
            <Table.Tr key={value}>
              <Table.Td style={{ wordBreak: 'break-word' }}>{value === '' ? <em>empty</em> : value}</Table.Td>
              <Table.Td ta="right">{number.format(rows)}</Table.Td>
              <Table.Td>
                <Group gap="xs" wrap="nowrap">
                  <Progress value={share} flex={1} aria-hidden />
                  <Text size="xs" w={44} ta="right">
                    {share.toFixed(1)} %
                  </Text>
                </Group>
              </Table.Td>
            </Table.Tr>
          );
        })}
      </Table.Tbody>
    </Table>
    </Paper>
  );
}

function Sample({ table }: { table: string }) {
  const sample = useQuery({
    queryKey: ['tables', table, 'sample'],
    queryFn: ({ signal }) =>
      ask(api.GET('/tables/{table}/sample', { params: { path: { table }, query: { limit: 10 } }, signal })),
  });
  if (sample.error) {
    return <Failure title="The rows cannot be shown" error={sample.error} />;
  }
  if (!sample.data) {
    return <Loading what="rows" />;
  }
  const { columns, rows } = sample.data;
  return (
    <Paper withBorder bg="var(--card)" style={{ overflowX: 'auto' }} role="region" aria-label="First rows" tabIndex={0}>
      <Table verticalSpacing={6} fz="sm" style={{ whiteSpace: 'nowrap' }} aria-label="First rows">
        <Table.Thead>
          <Table.Tr>
            {columns.map((column) => (
              <Table.Th key={column}>{column}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row, at) => (
            // The first rows have no key that would be sure to be one, and they never move.
            <Table.Tr key={at}>
              {columns.map((column, of) => (
                <Table.Td key={column}>
                  {row[of] ?? (
                    <Text span size="sm" c="dimmed" fs="italic">
                      null
                    </Text>
                  )}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Paper>
  );
}
