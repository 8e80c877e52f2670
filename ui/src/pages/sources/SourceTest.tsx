import { Button, Card, Group, Table, Text, Title } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { api, ask, type Schemas } from '../../api/client';
import { Count, Failure, When, Words } from '../../components';
import { sentence } from '../../components/Failure';
import type { Source } from './source';

/** Opens the tables of a source as it stands in the form, and says what is in them or why they cannot be opened. */
export function SourceTest({ source }: { source: Source }) {
  const test = useMutation({
    mutationFn: () => ask(api.POST('/sources/{source}/test', { params: { path: { source: source.id } }, body: source })),
  });
  return (
    <Card withBorder padding="lg" bg="var(--card)" component="section">
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h4">
          Test
        </Title>
        <Button variant="default" size="xs" loading={test.isPending} onClick={() => test.mutate()}>
          Test connection
        </Button>
      </Group>
      <div aria-live="polite">
        {test.error && <Failure title="It could not be tested" error={test.error} />}
        {test.data ? <Result test={test.data} /> : <Text size="sm" c="dimmed">Opens each table and counts its rows. Nothing is saved.</Text>}
      </div>
    </Card>
  );
}

function Result({ test: { works, tables } }: { test: Schemas['SourceTest'] }) {
  return (
    <>
      <Text size="sm" fw={600} mb={6}>
        {works ? 'It works.' : 'It does not work.'}
      </Text>
      <Table aria-label="What was tested" verticalSpacing={6}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Table</Table.Th>
            <Table.Th ta="right">Columns</Table.Th>
            <Table.Th ta="right">Rows</Table.Th>
            <Table.Th>Last written</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {tables.map(({ name, problem, columns, rows, written }) => (
            <Table.Tr key={name}>
              <Table.Td>
                {name}
                {problem && (
                  <Text size="sm" c="var(--mantine-color-error)" component="div">
                    <Words text={sentence(problem)} />
                  </Text>
                )}
              </Table.Td>
              <Table.Td ta="right">{columns ?? '–'}</Table.Td>
              <Table.Td ta="right">
                <Count value={rows} size="sm" />
              </Table.Td>
              <Table.Td>
                <When at={written} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </>
  );
}
