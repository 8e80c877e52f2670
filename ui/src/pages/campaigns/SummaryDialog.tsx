import { Alert, Badge, Modal, Stack, Switch, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Fragment, useState } from 'react';
import { api, ask, type Schemas } from '../../api/client';
import { destinationsQuery } from '../../api/queries';
import { Failure, Loading, Words } from '../../components';
import { sentence } from '../../components/Failure';
import { shown } from '../../components/Count';

interface Props {
  id: string;
  opened: boolean;
  close: () => void;
  /** Saves what is not saved yet, so that what is shown is what would be sent. */
  save: () => Promise<void>;
}

/** What would be sent where: every list with its name, customers and rows. Nothing is sent. */
export function SummaryDialog({ id, opened, close, save }: Props) {
  const [diff, setDiff] = useState(false);
  const preview = useQuery({
    queryKey: ['preview', id, diff],
    queryFn: async ({ signal }) => {
      await save();
      const params = { path: { campaign: id }, query: { diff } };
      return ask(api.POST('/campaigns/{campaign}/preview', { params, signal }));
    },
    enabled: opened,
    staleTime: 0,
    gcTime: 0,
    retry: false,
  });
  return (
    <Modal opened={opened} onClose={close} size={1120} title="Delivery summary">
      <Stack>
        <Switch
          label="What changes on lists that were delivered before"
          checked={diff}
          onChange={(event) => setDiff(event.currentTarget.checked)}
        />
        {preview.isPending && <Loading what="the summary: each list is staged as a run would" />}
        {preview.isError && (
          <Failure title="It cannot be summed up yet" error={preview.error} retry={() => void preview.refetch()} />
        )}
        {preview.data && <Summary preview={preview.data} diff={diff} />}
      </Stack>
    </Modal>
  );
}

function Summary({ preview, diff }: { preview: Schemas['Preview']; diff: boolean }) {
  const destinations = useQuery(destinationsQuery);
  const names = new Map((destinations.data ?? []).map(({ destination }) => [destination.id, destination.name]));
  return (
    <>
      {preview.warnings.map((warning) => (
        <Alert key={warning} color="yellow" variant="light" p="xs">
          <Words text={sentence(warning)} />
        </Alert>
      ))}
      <Table aria-label="What would be sent">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Treatment, and where it goes</Table.Th>
            <Table.Th>List or file</Table.Th>
            <Table.Th ta="right">Customers</Table.Th>
            <Table.Th ta="right">Shrink</Table.Th>
            <Table.Th ta="right">Expansion</Table.Th>
            <Table.Th ta="right">Rows</Table.Th>
            {diff && <Table.Th ta="right">What changes</Table.Th>}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {preview.audience.sub_audiences.map((sub) => (
            <Fragment key={sub.id}>
              <Table.Tr bg="var(--page)">
                <Table.Th colSpan={2} scope="rowgroup">
                  {sub.id === 'remaining' ? 'Remaining audience members' : sub.name}
                </Table.Th>
                <Table.Td ta="right">{shown(sub.customers)}</Table.Td>
                <Table.Td colSpan={diff ? 4 : 3} />
              </Table.Tr>
              {sub.groups.map((group) => (
                <GroupRows
                  key={group.id}
                  group={group}
                  deliveries={preview.deliveries.filter((one) => one.sub_audience === sub.name && one.group === group.name)}
                  names={names}
                  diff={diff}
                />
              ))}
            </Fragment>
          ))}
        </Table.Tbody>
      </Table>
    </>
  );
}

interface GroupProps {
  group: Schemas['GroupCounts'];
  deliveries: Schemas['DeliveryCounts'][];
  names: Map<string, string>;
  diff: boolean;
}

function GroupRows({ group, deliveries, names, diff }: GroupProps) {
  return (
    <>
      <Table.Tr>
        <Table.Td colSpan={2}>
          <Text size="sm" fw={500} component="span">
            {group.name}
          </Text>{' '}
          {group.control && (
            <Badge variant="light" color="gray" tt="none">
              control
            </Badge>
          )}
          {deliveries.length === 0 && (
            <Text size="sm" c="dimmed" component="span" ml={6}>
              {group.control ? 'held out: sent nowhere' : 'has no destination: sent nowhere'}
            </Text>
          )}
        </Table.Td>
        <Table.Td ta="right">{shown(group.customers)}</Table.Td>
        <Table.Td colSpan={diff ? 4 : 3} />
      </Table.Tr>
      {deliveries.map((delivery) => (
        <Table.Tr key={delivery.destination}>
          <Table.Td pl="xl">{names.get(delivery.destination) ?? delivery.destination}</Table.Td>
          <Table.Td>
            <Text size="xs" ff="monospace" style={{ overflowWrap: 'anywhere' }}>
              {delivery.list_name}
            </Text>
          </Table.Td>
          <Table.Td ta="right">{shown(delivery.customers)}</Table.Td>
          <Table.Td ta="right">
            <Shrink reasons={delivery.shrink} />
          </Table.Td>
          <Table.Td ta="right">{delivery.expansion > 0 ? `+${shown(delivery.expansion)}` : '0'}</Table.Td>
          <Table.Td ta="right" fw={600}>
            {shown(delivery.rows)}
          </Table.Td>
          {diff && (
            <Table.Td ta="right" style={{ whiteSpace: 'nowrap' }}>
              {delivery.difference
                ? `+${shown(delivery.difference.added)}  =${shown(delivery.difference.kept)}  −${shown(delivery.difference.removed)}`
                : 'a file, made anew'}
            </Table.Td>
          )}
        </Table.Tr>
      ))}
    </>
  );
}

function Shrink({ reasons }: { reasons: Record<string, number> }) {
  const all = Object.entries(reasons);
  if (all.length === 0) return '0';
  const sum = all.reduce((total, [, many]) => total + many, 0);
  return (
    <>
      <Text size="sm" c="var(--taken)">
        −{shown(sum)}
      </Text>
      {all.map(([reason, many]) => (
        <Text key={reason} size="xs" c="dimmed">
          {reason.replaceAll('_', ' ')} {shown(many)}
        </Text>
      ))}
    </>
  );
}
