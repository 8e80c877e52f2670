import { Alert, Badge, Button, Card, Code, Group, Stack, Table, Text, Title } from '@mantine/core';
import { IconDatabase, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';

import type { Schemas } from '../../api/client';
import { Count, Empty, Failure, Loading, PageHeader, TextLink, When } from '../../components';
import { sentence } from '../../components/Failure';
import { useWhyNot } from '../../session/useMay';
import { spokenOf } from './connection';
import { linesQuery, sourcesQuery, tableQuery } from './queries';

type TableLine = Schemas['TableLine'];

/** The sources, each with its tables. */
export default function SourcesPage() {
  const sources = useQuery(sourcesQuery);
  const tables = useQuery(linesQuery);
  const error = sources.error ?? tables.error;
  const all = sources.data ?? [];
  const connect = !useWhyNot()('put_source') && (
    <Button component={Link} to="/sources/connect" leftSection={<IconPlus size={16} aria-hidden />}>
      Connect a source
    </Button>
  );
  return (
    <Stack gap="lg">
      <PageHeader title="Sources" actions={connect}>
        Where customers come from: tables, each with a key that says whose row it is.
      </PageHeader>
      {error && <Failure title="The sources cannot be shown" error={error} />}
      {!error && (sources.isPending || tables.isPending) && <Loading what="tables" />}
      {sources.data && all.length === 0 && (
        <Empty icon={IconDatabase} title="No source yet" action={connect}>
          A source is a folder of files, on disk or in an object store, or a database. The first one holds the table that
          says who your customers are.
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
                <TextLink to="/sources/connect/$source" params={{ source: source.id }} fz="sm" aria-label={`Edit ${source.id}`}>
                  Edit
                </TextLink>
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
          <Table.Th ta="right">Rows</Table.Th>
          <Table.Th>Last written</Table.Th>
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
            {table.problem === null ? <Counted table={table.name} /> : <Table.Td colSpan={2} />}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

/** How many rows a table has, counted while the page is there already, and when they were written. */
function Counted({ table }: { table: string }) {
  const { data, isFetching } = useQuery(tableQuery(table));
  return (
    <>
      <Table.Td ta="right">
        <Count value={data?.rows} counting={isFetching} size="sm" />
      </Table.Td>
      <Table.Td>
        <When at={data?.written} />
      </Table.Td>
    </>
  );
}
