import { Group, Loader, Modal, MultiSelect, Progress, Stack, Table, Text } from '@mantine/core';
import { useState } from 'react';
import type { Schemas } from '../../api/client';
import { useOverlap } from '../../api/counts';
import { Count, Failure } from '../../components';
import { inWords, shown } from './overlap';
import { share } from './share';

const MOST = 4;

interface Props {
  opened: boolean;
  close: () => void;
  segments: Schemas['Segment'][];
}

/** How two to four segments overlap: a line for each choice of them that anybody is in. */
export function OverlapDialog({ opened, close, segments }: Props) {
  const [chosen, choose] = useState<string[]>([]);
  const { overlap, counting, error } = useOverlap(chosen);
  const names = new Map(segments.map(({ id, name }) => [id, name]));
  return (
    <Modal opened={opened} onClose={close} size={860} title="Compare segments">
      <Stack mih={320}>
        <MultiSelect
          label="Segments"
          description="Choose two to four"
          searchable
          maxValues={MOST}
          data={segments.map(({ id, name }) => ({ value: id, label: name }))}
          value={chosen}
          onChange={choose}
        />
        {error && <Failure title="They cannot be compared" error={error} />}
        <div aria-live="polite">
          {counting && !overlap && (
            <Group gap="xs" role="status">
              <Loader size="xs" aria-hidden />
              <Text size="sm">Counting …</Text>
            </Group>
          )}
          {overlap && <Diagram overlap={overlap} names={names} counting={counting} />}
        </div>
      </Stack>
    </Modal>
  );
}

interface DiagramProps {
  overlap: Schemas['OverlapCounts'];
  names: Map<string, string>;
  counting: boolean;
}

/** Dots say in which segments the customers of a line are, its bar how many they are. */
function Diagram({ overlap, names, counting }: DiagramProps) {
  const parts = shown(overlap.parts);
  const any = parts.reduce((sum, part) => sum + part.customers, 0);
  const most = parts[0]?.customers ?? 1;
  return (
    <Stack gap="xs" aria-busy={counting} style={{ opacity: counting ? 0.6 : 1 }}>
      <Table aria-label="Overlap" verticalSpacing={6}>
        <Table.Thead>
          <Table.Tr>
            {overlap.segments.map(({ segment, customers }) => (
              <Table.Th key={segment} ta="center" fw={500}>
                {names.get(segment) ?? segment}
                <Text size="xs" c="dimmed">
                  <Count value={customers} inherit />
                </Text>
              </Table.Th>
            ))}
            <Table.Th w="40%">Customers in these alone</Table.Th>
            <Table.Th ta="right">Share</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {parts.map((part) => (
            <Table.Tr key={part.segments.join(' ')}>
              {overlap.segments.map(({ segment }) => (
                <Table.Td key={segment} ta="center">
                  <Dot on={part.segments.includes(segment)} />
                </Table.Td>
              ))}
              <Table.Td>
                <Group gap="xs" wrap="nowrap">
                  <Progress value={(part.customers / most) * 100} flex={1} size="lg" aria-hidden />
                  <Count value={part.customers} size="sm" miw={64} ta="right" />
                </Group>
                <span className="sr-only">{inWords(part, names)}</span>
              </Table.Td>
              <Table.Td ta="right">{share(part.customers, any)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Text size="sm" c="dimmed">
        {any === 0 ? 'Nobody is in any of them.' : 'Each customer is in one line.'} Together they have <Count value={any} inherit /> of{' '}
        <Count value={overlap.all} inherit /> customers.
      </Text>
    </Stack>
  );
}

function Dot({ on }: { on: boolean }) {
  return (
    <svg width={16} height={16} role="img" aria-label={on ? 'in it' : 'not in it'}>
      <circle cx={8} cy={8} r={6} fill={on ? 'var(--mantine-primary-color-filled)' : 'none'} stroke="var(--mantine-color-dimmed)" strokeWidth={on ? 0 : 1.5} />
    </svg>
  );
}
