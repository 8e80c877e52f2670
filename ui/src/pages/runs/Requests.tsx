import { Badge, Group, Paper, Stack, Switch, Table, Text } from '@mantine/core';
import { IconArrowsExchange } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { api, ask } from '../../api/client';
import { Empty, Failure, Loading } from '../../components';
import { type RunSummary, runChanges } from './counts';
import { clock } from './time';

/** What a run asked of platforms, the last first. */
export function Requests({ run }: { run: RunSummary }) {
  const [failed, setFailed] = useState(false);
  const requests = useQuery({
    queryKey: ['runs', run.run, 'requests', failed, runChanges(run)],
    queryFn: ({ signal }) =>
      ask(
        api.GET('/runs/{run}/requests', {
          params: { path: { run: run.run }, query: { failed, limit: 200 } },
          signal,
        }),
      ),
    placeholderData: (before) => before,
  });
  const lines = requests.data?.requests.toReversed() ?? [];
  return (
    <Stack>
      <Group justify="space-between">
        <Text size="sm" c="dimmed">
          The last requests to platforms, without their bodies: no personal data, no secrets.
        </Text>
        <Switch
          label="Only what went wrong"
          checked={failed}
          onChange={(event) => setFailed(event.currentTarget.checked)}
        />
      </Group>
      {requests.isPending && <Loading what="requests" />}
      {requests.error && <Failure title="The requests cannot be shown" error={requests.error} />}
      {requests.data && lines.length === 0 && (
        <Empty icon={IconArrowsExchange} title={failed ? 'Nothing went wrong' : 'No platform was asked'}>
          {failed ? 'Every request did what it should.' : 'Files are written without requests of this sort.'}
        </Empty>
      )}
      {lines.length > 0 && (
        <Paper
          withBorder
          bg="var(--card)"
          style={{ overflowX: 'auto' }}
          role="region"
          aria-label="Requests to platforms"
          tabIndex={0}
        >
          <Table aria-label="Requests">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Time</Table.Th>
                <Table.Th>Delivery</Table.Th>
                <Table.Th>Request</Table.Th>
                <Table.Th>Answer</Table.Th>
                <Table.Th ta="right">Took</Table.Th>
                <Table.Th>Concluded</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {lines.map((line) => (
                <Table.Tr key={`${line.request}/${line.attempt}/${line.at}`}>
                  <Table.Td style={{ whiteSpace: 'nowrap' }}>{clock(line.at)}</Table.Td>
                  <Table.Td>{line.delivery}</Table.Td>
                  <Table.Td maw={340}>
                    <Text size="xs" ff="monospace" truncate title={`${line.host}${line.path}`}>
                      {line.method} {line.path}
                    </Text>
                    {line.attempt > 1 && (
                      <Text size="xs" c="dimmed">
                        attempt {line.attempt}
                      </Text>
                    )}
                  </Table.Td>
                  <Table.Td>
                    <Badge color={line.failed ? 'red' : 'green'} variant="dot" radius="sm" c="var(--mantine-color-text)">
                      {line.status ?? 'none'}
                    </Badge>
                  </Table.Td>
                  <Table.Td ta="right" style={{ whiteSpace: 'nowrap' }}>
                    {line.milliseconds} ms
                  </Table.Td>
                  <Table.Td>{line.concluded}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Paper>
      )}
      {requests.data && requests.data.before > 0 && (
        <Text size="sm" c="dimmed">
          {requests.data.before} earlier ones are not shown; <code>consign requests {run.run}</code> has them all.
        </Text>
      )}
    </Stack>
  );
}
