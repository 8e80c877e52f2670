import { Card, Group, Loader, Progress, SimpleGrid, Stack, Text, VisuallyHidden } from '@mantine/core';
import { IconAlertTriangle, IconCircle, IconCircleCheck, IconCircleX } from '@tabler/icons-react';

import { deliveryId, type RunSummary } from './counts';
import { isOver, type LiveRun, type RunPhase } from './live';
import { span } from './time';

const order: RunPhase[] = ['assigning', 'staging', 'delivering', 'finished'];

interface Stop {
  phase: RunPhase;
  title: string;
  detail: string;
}

const number = new Intl.NumberFormat();

/** The way of a run: what is done, what goes on, what is to come. */
export function Timeline({ run, live }: { run: RunSummary; live: LiveRun }) {
  // Events are ahead of what was read, and a late page has read what no event has told it yet.
  const read = run.state as RunPhase;
  const phase = live.outcome !== null || order.indexOf(live.phase) > order.indexOf(read) ? live.phase : read;
  const outcome = phase === 'finished' ? (live.outcome ?? run.outcome) : null;
  const states = run.deliveries.map((delivery) => live.states[deliveryId(run, delivery)] ?? delivery.state);
  const over = states.filter(isOver).length;
  const limited = Object.keys(live.limited).length;
  const stops: Stop[] = [
    { phase: 'assigning', title: 'Assign', detail: assigned(run, live) },
    { phase: 'staging', title: 'Stage', detail: staged(run, live, phase) },
    {
      phase: 'delivering',
      title: 'Deliver',
      detail: states.length === 0 ? 'Nothing to deliver yet' : `${over} of ${states.length} deliveries are over`,
    },
    { phase: 'finished', title: 'Done', detail: outcome ?? (limited > 0 ? `${limited} wait for their platform` : '') },
  ];
  const now = order.indexOf(phase);
  const done = states.length === 0 ? (phase === 'finished' ? 100 : 0) : (over / states.length) * 100;
  return (
    <Card withBorder padding="md" bg="var(--card)">
      <SimpleGrid cols={4} component="ol" m={0} p={0} style={{ listStyle: 'none' }}>
        {stops.map((stop, at) => (
          <Group key={stop.phase} component="li" gap="sm" wrap="nowrap" align="flex-start">
            <Mark at={at} now={now} outcome={outcome} />
            <Stack gap={0}>
              <Text fw={600} c={at > now ? 'dimmed' : undefined}>
                {stop.title}
                {at === now && <VisuallyHidden> (now)</VisuallyHidden>}
              </Text>
              <Text size="sm" c="dimmed">
                {stop.detail}
              </Text>
              <Text size="xs" c="dimmed">
                {took(live, stop.phase)}
              </Text>
            </Stack>
          </Group>
        ))}
      </SimpleGrid>
      <Progress
        mt="md"
        value={done}
        color={outcome === 'failed' ? 'red' : outcome === 'partial' ? 'yellow' : 'teal'}
        animated={outcome === null}
        aria-label="Deliveries that are over"
      />
      <VisuallyHidden role="status">
        {outcome === null ? `The run is ${phase}` : `The run is over: ${outcome}`}
      </VisuallyHidden>
    </Card>
  );
}

function Mark({ at, now, outcome }: { at: number; now: number; outcome: string | null }) {
  const size = 20;
  const last = at === order.length - 1;
  if (at > now) {
    return <IconCircle size={size} color="var(--mantine-color-dimmed)" aria-hidden />;
  }
  if (at === now && !last) {
    return <Loader size={size} role="img" aria-label="goes on" />;
  }
  if (last && (outcome === 'failed' || outcome === 'cancelled')) {
    return <IconCircleX size={size} color="var(--mantine-color-red-6)" aria-hidden />;
  }
  if (last && outcome === 'partial') {
    return <IconAlertTriangle size={size} color="var(--mantine-color-yellow-7)" aria-hidden />;
  }
  return <IconCircleCheck size={size} color="var(--mantine-color-teal-6)" aria-hidden />;
}

function assigned(run: RunSummary, live: LiveRun): string {
  if (run.audience) {
    return `${number.format(run.audience.customers)} customers`;
  }
  return live.assigned === null ? '' : `${number.format(live.assigned)} rows`;
}

function staged(run: RunSummary, live: LiveRun, phase: RunPhase): string {
  if (phase === 'staging' && live.staged > 0) {
    return `${number.format(live.staged)} rows read`;
  }
  const rows = run.deliveries.reduce((all, { rows }) => all + rows, 0);
  return rows > 0 ? `${number.format(rows)} rows` : '';
}

/** How long a phase took: until the next began. */
function took({ began }: LiveRun, phase: RunPhase): string {
  const from = began[phase];
  const next = order.slice(order.indexOf(phase) + 1).find((later) => began[later] !== undefined);
  const to = next && began[next];
  return from && to ? span(from, to) : '';
}
