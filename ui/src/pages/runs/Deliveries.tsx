import { Alert, Anchor, Button, Card, Code, Group, List, Paper, Progress, Stack, Table, Text, Tooltip } from '@mantine/core';
import { IconSend } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Fragment, useState } from 'react';

import { rejects } from '../../api/downloads';
import { destinationsQuery } from '../../api/queries';
import { Count, Empty, StatusBadge } from '../../components';
import { sentence } from '../../components/Failure';
import { useWhyNot } from '../../session/useMay';
import { type Delivery, deliveryId, isStaged, parts, type RunSummary, spoken } from './counts';
import type { LiveRun } from './live';
import { clock } from './time';

const number = new Intl.NumberFormat();

/** The deliveries of a run: each with a bar of what became of its rows, and the whole story when opened. */
export function Deliveries({ run, live }: { run: RunSummary; live: LiveRun }) {
  const [open, setOpen] = useState<string | null>(null);
  const whyNot = useWhyNot();
  const destinations = useQuery(destinationsQuery);
  const names = new Map((destinations.data ?? []).map(({ destination: { id, name } }) => [id, name]));
  if (run.deliveries.length === 0) {
    return run.outcome === null ? (
      <Empty icon={IconSend} title="No deliveries yet">They appear here once everybody is assigned to a treatment.</Empty>
    ) : (
      <Empty icon={IconSend} title="Nothing was delivered">No treatment of this campaign had customers and a destination.</Empty>
    );
  }
  return (
    <Paper withBorder bg="var(--card)" style={{ overflowX: 'auto' }}>
      <Table aria-label="Deliveries">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Treatment</Table.Th>
            <Table.Th>Destination</Table.Th>
            <Table.Th ta="right">Customers</Table.Th>
            <Table.Th ta="right">Rows</Table.Th>
            <Table.Th w="26%">What became of them</Table.Th>
            <Table.Th>Status</Table.Th>
            <Table.Th aria-label="Details" />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {run.deliveries.map((delivery) => {
            const id = deliveryId(run, delivery);
            const isOpen = open === id;
            return (
              <Fragment key={id}>
                <Table.Tr>
                  <Table.Td>
                    <Text size="sm" fw={500}>
                      {delivery.group}
                    </Text>
                    <Text size="xs" c="dimmed">
                      {delivery.sub_audience}
                    </Text>
                  </Table.Td>
                  <Table.Td>{names.get(delivery.destination) ?? delivery.destination}</Table.Td>
                  <Table.Td ta="right">
                    <Count value={isStaged(delivery) ? delivery.customers : null} size="sm" />
                  </Table.Td>
                  <Table.Td ta="right">
                    <Count value={isStaged(delivery) ? delivery.rows : null} size="sm" />
                  </Table.Td>
                  <Table.Td>
                    <Bar delivery={delivery} state={live.states[id] ?? delivery.state} until={live.limited[id]} />
                  </Table.Td>
                  <Table.Td>
                    <StatusBadge status={live.states[id] ?? delivery.state} />
                  </Table.Td>
                  <Table.Td ta="right">
                    <Button
                      size="compact-xs"
                      variant="subtle"
                      aria-expanded={isOpen}
                      aria-label={`${isOpen ? 'Hide' : 'Show'} details of ${delivery.group} to ${delivery.destination}`}
                      onClick={() => setOpen(isOpen ? null : id)}
                    >
                      {isOpen ? 'Hide' : 'Details'}
                    </Button>
                  </Table.Td>
                </Table.Tr>
                {isOpen && (
                  <Table.Tr>
                    <Table.Td colSpan={7}>
                      <Details delivery={delivery} reject={run.staged_deleted || whyNot('download_rejects') ? null : (reason) => rejects(run.run, id, reason)} />
                    </Table.Td>
                  </Table.Tr>
                )}
              </Fragment>
            );
          })}
        </Table.Tbody>
      </Table>
    </Paper>
  );
}

function Bar({ delivery, state, until }: { delivery: Delivery; state: string; until?: string | undefined }) {
  const limited = until ?? delivery.limited_until ?? undefined;
  if (state === 'sending') {
    return (
      <Stack gap={4}>
        <Progress value={100} animated aria-label="is being sent" />
        <Text size="xs" c="dimmed">
          {limited ? `waits for its platform until ${clock(limited)}` : 'is being sent'}
        </Text>
      </Stack>
    );
  }
  const all = parts(delivery);
  if (all.length === 0) {
    return null;
  }
  const said = all.map(({ label, rows }) => `${number.format(rows)} ${label}`).join(', ');
  return (
    <Stack gap={4}>
      <Tooltip label={said} withArrow>
        <Progress.Root size="md" role="img" aria-label={said}>
          {all.map(({ label, rows, color }) => (
            <Progress.Section key={label} value={(rows / delivery.rows) * 100} color={color} withAria={false} />
          ))}
        </Progress.Root>
      </Tooltip>
      <Text size="xs" c="dimmed">
        {said}
      </Text>
    </Stack>
  );
}

function Details({ delivery, reject }: { delivery: Delivery; reject: Reject }) {
  const { list, targets, error } = delivery;
  return (
    <Card withBorder radius="sm" bg="var(--mantine-color-default-hover)">
      <Stack gap="md">
        {error && (
          <Alert color="red" title={`It failed: ${spoken(error.class)}`}>
            {sentence(error.message)}
          </Alert>
        )}
        <Text size="sm">
          List: <Code>{delivery.list_name}</Code>
          {list && (
            <>
              {' '}
              {list.created ? 'made by this delivery, ' : ''}known to the platform as <Code>{list.list_id}</Code>
              {list.removed > 0 && `; ${number.format(list.removed)} members were removed`}
            </>
          )}
        </Text>
        <Group align="flex-start" gap={48}>
          <Reasons title="Customers of whom nothing was sent" counts={delivery.shrink} />
          <Reasons title="Rows that were not staged" counts={delivery.dropped} {...(reject && { href: reject })} />
          {list && (
            <Reasons title="Rows that the platform rejected" counts={list.rejected} {...(reject && { href: () => reject('rejected') })} />
          )}
          {delivery.expansion > 0 && (
            <Text size="sm">{number.format(delivery.expansion)} rows more than one a customer</Text>
          )}
        </Group>
        {targets.length > 0 && (
          <List size="sm" listStyleType="none">
            {targets.map((target) => (
              <List.Item key={target.location}>
                <Code style={{ wordBreak: 'break-all' }}>{target.location}</Code>, {number.format(target.rows)} rows,{' '}
                {number.format(target.bytes)} bytes
                <Text size="xs" c="dimmed" ff="monospace">
                  SHA-256 {target.sha256}
                </Text>
              </List.Item>
            ))}
          </List>
        )}
        {list && list.notes.length > 0 && (
          <List size="sm">
            {list.notes.map((note) => (
              <List.Item key={note}>{note}</List.Item>
            ))}
          </List>
        )}
      </Stack>
    </Card>
  );
}

/** Where the rows that were left out for a reason are; `null` where they were deleted. */
type Reject = ((reason: string) => string) | null;

interface ReasonsProps {
  title: string;
  counts: Record<string, number>;
  /** Where those with a reason are. */
  href?: (reason: string) => string;
}

function Reasons({ title, counts, href }: ReasonsProps) {
  const all = Object.entries(counts).filter(([, count]) => count > 0);
  if (all.length === 0) {
    return null;
  }
  return (
    <Stack gap={2}>
      <Text size="sm" fw={600}>
        {title}
      </Text>
      <Table withRowBorders={false} verticalSpacing={2} horizontalSpacing={0}>
        <Table.Tbody>
          {all.map(([reason, count]) => (
            <Table.Tr key={reason}>
              <Table.Td pr="xl">{spoken(reason)}</Table.Td>
              <Table.Td ta="right">
                {href ? (
                  <Anchor href={href(reason)} download size="sm" c="inherit" underline="always" aria-label={`Download ${number.format(count)}: ${spoken(reason)}`}>
                    {number.format(count)}
                  </Anchor>
                ) : (
                  number.format(count)
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Stack>
  );
}
