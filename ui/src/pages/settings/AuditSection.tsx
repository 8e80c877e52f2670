import { Button, Group, Paper, Stack, Table, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '../../api/client';
import { Failure, Loading, When, Words } from '../../components';

const NONE = { actor: '', action: '', since: '' };

/** Who did what and when, the newest first. */
export default function AuditSection() {
  const [typed, setTyped] = useState(NONE);
  const [filter] = useDebouncedValue(typed, 300);
  const log = useInfiniteQuery({
    queryKey: ['audit', filter],
    queryFn: ({ pageParam, signal }) => {
      const { actor, action, since } = filter;
      const query = {
        limit: 100,
        ...(actor.trim() && { actor: actor.trim() }),
        ...(action.trim() && { action: action.trim() }),
        ...(since && { since: new Date(`${since}T00:00`).toISOString() }),
        ...(pageParam && { cursor: Number(pageParam) }),
      };
      return ask(api.GET('/audit', { params: { query }, signal }));
    },
    initialPageParam: '',
    getNextPageParam: (page) => page.next,
    placeholderData: (before) => before,
  });
  const entries = log.data?.pages.flatMap((page) => page.items) ?? [];
  const field = (name: keyof typeof NONE, label: string, placeholder = '', type = 'text') => (
    <TextInput
      label={label}
      placeholder={placeholder}
      type={type}
      w={190}
      value={typed[name]}
      onChange={(event) => setTyped({ ...typed, [name]: event.currentTarget.value })}
    />
  );
  return (
    <Stack gap="sm">
      <Group align="flex-end">
        {field('actor', 'Who', 'A user, or retention')}
        {field('action', 'What', 'apply, run, cancel …')}
        {field('since', 'Since', '', 'date')}
        <Button variant="default" disabled={typed === NONE} onClick={() => setTyped(NONE)}>
          Show all
        </Button>
      </Group>
      {log.error && <Failure title="The audit log cannot be shown" error={log.error} retry={() => void log.refetch()} />}
      {log.isPending && <Loading what="the audit log" />}
      {log.data && (
        <Paper withBorder bg="var(--card)" style={{ overflowX: 'auto' }}>
          <Table aria-label="Audit log">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>When</Table.Th>
                <Table.Th>Who</Table.Th>
                <Table.Th>What</Table.Th>
                <Table.Th>To what</Table.Th>
                <Table.Th>More</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {entries.map((entry) => (
                <Table.Tr key={entry.sequence}>
                  <Table.Td>
                    <When at={entry.at} />
                  </Table.Td>
                  <Table.Td>{entry.actor}</Table.Td>
                  <Table.Td>{entry.action}</Table.Td>
                  <Table.Td ff="monospace" fz="xs">
                    {entry.subject}
                  </Table.Td>
                  <Table.Td>
                    <Words text={entry.detail} />
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
          {entries.length === 0 && (
            <Text c="dimmed" size="sm" p="lg" ta="center" role="status">
              Nothing like that is in the log.
            </Text>
          )}
        </Paper>
      )}
      {log.hasNextPage && (
        <Button variant="default" mx="auto" loading={log.isFetchingNextPage} onClick={() => void log.fetchNextPage()}>
          Show older
        </Button>
      )}
    </Stack>
  );
}
