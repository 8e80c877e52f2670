import { Button, Group, Paper, SegmentedControl, Stack, Table, Text } from '@mantine/core';
import { IconActivity } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useSearch } from '@tanstack/react-router';
import { useState } from 'react';

import { api, ask, type Schemas } from '../../api/client';
import { allCampaignsQuery } from '../../api/queries';
import { Count, Empty, Failure, Loading, PageHeader, SearchField, StatusBadge, TextLink, When } from '../../components';
import { sentence } from '../../components/Failure';
import { Mode } from './Mode';
import { span } from './time';

type RunLine = Schemas['RunLine'];

/** How often runs that go on are looked at again, in milliseconds. */
const AGAIN = 2000;

const outcomes = ['all', 'running', 'succeeded', 'partial', 'failed', 'cancelled'];

/** Where a run stands in one word: its outcome once it has one. */
function standing(run: RunLine): string {
  return run.outcome ?? run.state;
}

function matches(run: RunLine, text: string, outcome: string): boolean {
  const word = text.trim().toLowerCase();
  const found = run.campaign.toLowerCase().includes(word) || run.run.includes(word);
  return found && (outcome === 'all' || (run.outcome ?? 'running') === outcome);
}

/** Activity: every run, or those of one campaign, the newest first. */
export default function RunsPage() {
  const { campaign } = useSearch({ from: '/runs' });
  const [text, setText] = useState('');
  const [outcome, setOutcome] = useState('all');
  const runs = useInfiniteQuery({
    queryKey: ['runs', campaign],
    queryFn: ({ pageParam, signal }) =>
      ask(api.GET('/runs', { params: { query: { limit: 50, campaign, ...(pageParam && { cursor: pageParam }) } }, signal })),
    initialPageParam: '',
    getNextPageParam: (page) => page.next,
    refetchInterval: ({ state }) =>
      state.data?.pages.some((page) => page.items.some((run) => run.outcome === null)) ? AGAIN : false,
  });
  const all = runs.data?.pages.flatMap((page) => page.items) ?? [];
  const found = all.filter((run) => matches(run, text, outcome));
  return (
    <>
      <PageHeader title="Activity">
        {campaign ? (
          <>
            The runs of {campaign}, the newest first. <TextLink to="/runs">All runs</TextLink>
          </>
        ) : (
          'Every run of every campaign, the newest first.'
        )}
      </PageHeader>
      {runs.isPending && <Loading what="runs" />}
      {runs.error && (
        <Failure title="The runs cannot be shown" error={runs.error} retry={() => void runs.refetch()} />
      )}
      {runs.data && all.length === 0 && (
        <Empty
          icon={IconActivity}
          title="Nothing has run yet"
          action={
            <Button component={Link} to="/campaigns">
              Go to the campaigns
            </Button>
          }
        >
          Runs appear here once a campaign is delivered, by hand or by its schedule.
        </Empty>
      )}
      {all.length > 0 && (
        <Stack gap="sm">
          <Group gap="sm">
            <SearchField what="runs" placeholder="Campaign or run" value={text} onChange={setText} />
            <SegmentedControl
              aria-label="How runs ended"
              value={outcome}
              onChange={setOutcome}
              data={outcomes.map((value) => ({ value, label: sentence(value) }))}
            />
          </Group>
          <Paper withBorder bg="var(--card)" style={{ overflowX: 'auto' }}>
            <RunTable runs={found} />
            {found.length === 0 && (
              <Text c="dimmed" size="sm" p="lg" ta="center" role="status">
                No run {runs.hasNextPage ? 'so far ' : ''}is like that. Take a filter away.
              </Text>
            )}
          </Paper>
          {runs.hasNextPage && (
            <Button variant="default" mx="auto" loading={runs.isFetchingNextPage} onClick={() => void runs.fetchNextPage()}>
              Show older runs
            </Button>
          )}
        </Stack>
      )}
    </>
  );
}

function RunTable({ runs }: { runs: RunLine[] }) {
  const campaigns = useQuery(allCampaignsQuery);
  const names = new Map((campaigns.data ?? []).map(({ id, name }) => [id, name]));
  return (
      <Table highlightOnHover aria-label="Runs">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Campaign</Table.Th>
            <Table.Th>Status</Table.Th>
            <Table.Th>Began</Table.Th>
            <Table.Th>Took</Table.Th>
            <Table.Th ta="right">Audience</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {runs.map((run) => (
            <Table.Tr key={run.run}>
              <Table.Td>
                <Link className="row-link" to="/runs/$run" params={{ run: run.run }}>
                  {names.get(run.campaign) ?? run.campaign}
                </Link>
                <Text size="xs" c="dimmed" ff="monospace">
                  {run.run}
                </Text>
              </Table.Td>
              <Table.Td>
                <Group gap="xs">
                  <StatusBadge status={standing(run)} />
                  <Mode mode={run.mode} />
                </Group>
              </Table.Td>
              <Table.Td>
                <When at={run.began} />
              </Table.Td>
              <Table.Td>{run.finished ? span(run.began, run.finished) : 'goes on'}</Table.Td>
              <Table.Td ta="right">
                <Count value={run.customers} size="sm" />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
  );
}
