import { Alert, Badge, Card, Code, Group, Stack, Table, Text, Title } from '@mantine/core';
import { IconDatabase } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';

import type { Schemas } from '../../api/client';
import { Empty, Failure, Loading, PageHeader } from '../../components';
import { sentence } from '../../components/Failure';
import { spokenOf } from './connection';
import { linesQuery, sourcesQuery } from './queries';

type TableLine = Schemas['TableLine'];

/** The sources, each with its tables. */
export default function SourcesPage() {
  const sources = useQuery(sourcesQuery);
  const tables = useQuery(linesQuery);
  const error = sources.error ?? tables.error;
  const all = sources.data ?? [];
  return (
    <Stack gap="lg">
      <PageHeader title="Sources">Where customers come from: tables, each with a key that says whose row it is.</PageHeader>
      {error && <Failure title="The sources cannot be shown" error={error} />}
      {!error && (sources.isPending || tables.isPending) && <Loading what="tables" />}
      {sources.data && all.length === 0 && (
        <Empty icon={IconDatabase} title="No source yet">
          Write the sources into the definitions of the workspace and make them current with <Code>consign apply</Code>.
          The first one holds the table that says who your customers are.
        </Empty>
      )}
      {tables.data &&
        all.map((source) => {
          const own = tables.data.filter((table) => table.source === source.id);
          const { sort, where } = spokenOf(source.connection);
          return (
            <Card withBorder padding="lg" bg="var(--card)" component="section" key={source.id}>
              <Group mb="sm">
                <Title order={2} size="h4">
                  {source.id}
                </Title>
                <Badge variant="default" tt="none" fw={500} radius="sm">
                  {sort}
                </Badge>
                <Code>{where}</Code>
              </Group>
              {own.length === 0 ? <Text c="dimmed">It has no tables.</Text> : <Tables tables={own} />}
            </Card>
          );
        })}
    </Stack>
  );
}

function Tables({ tables }: { tables: TableLine[] }) {
  return (
    <Table highlightOnHover aria-label="Tables">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Table</Table.Th>
          <Table.Th>Rows a customer</Table.Th>
          <Table.Th>Customer key</Table.Th>
          <Table.Th ta="right">Columns</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {tables.map((table) => (
          <Table.Tr key={table.name}>
            <Table.Td>
              <Group gap="xs">
                {table.problem === null ? (
                  <Link className="row-link" to="/sources/$table" params={{ table: table.name }}>
                    {table.name}
                  </Link>
                ) : (
                  <Text fw={500}>{table.name}</Text>
                )}
                {table.is_customer_table && (
                  <Badge variant="default" tt="none" fw={500} radius="sm">
                    says who exists
                  </Badge>
                )}
              </Group>
              {table.problem !== null && (
                <Alert color="red" variant="light" mt="xs" p="xs">
                  {sentence(table.problem)}
                </Alert>
              )}
            </Table.Td>
            <Table.Td>{table.rows_per_customer}</Table.Td>
            <Table.Td>
              <Code>{table.customer_key}</Code>
            </Table.Td>
            <Table.Td ta="right">{table.columns ?? ''}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
