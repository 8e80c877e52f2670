import { Button, Group, Menu, ActionIcon, Modal, Paper, SegmentedControl, Select, Stack, Table, Text, TextInput, Badge } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { IconCopy, IconDots, IconPlayerPlay, IconPlus, IconSpeakerphone } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useMemo, useState, type FormEvent } from 'react';
import { api, ask, type Schemas } from '../../api/client';
import { campaignsQuery, destinationsQuery } from '../../api/queries';
import { Count, Empty, Failure, Loading, PageHeader, SearchField, StatusBadge, When } from '../../components';
import { sentence } from '../../components/Failure';
import { sorted, type SortBy } from './list';

type Line = Schemas['CampaignLine'];

/** All campaigns: searched, filtered, sorted. */
export default function CampaignsPage() {
  const campaigns = useQuery(campaignsQuery);
  const [making, { open, close }] = useDisclosure(false);
  return (
    <>
      <PageHeader
        title="Campaigns"
        actions={
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={open}>
            New campaign
          </Button>
        }
      >
        Who gets which treatment, and where their lists go.
      </PageHeader>
      {campaigns.isPending && <Loading what="campaigns" />}
      {campaigns.isError && (
        <Failure title="The campaigns cannot be shown" error={campaigns.error} retry={() => void campaigns.refetch()} />
      )}
      {campaigns.data?.length === 0 && (
        <Empty icon={IconSpeakerphone} title="No campaign yet" action={<Button onClick={open}>New campaign</Button>}>
          A campaign takes one or more segments, splits them into treatments, and sends each treatment's list to its
          destinations. Nothing is sent before you run it.
        </Empty>
      )}
      {campaigns.data && campaigns.data.length > 0 && <List lines={campaigns.data} />}
      <NewCampaign opened={making} close={close} />
    </>
  );
}

const COLUMNS: { by: SortBy; label: string; right?: boolean }[] = [
  { by: 'name', label: 'Name' },
  { by: 'status', label: 'Status' },
  { by: 'cadence', label: 'Cadence' },
  { by: 'customers', label: 'Audience', right: true },
  { by: 'last_delivery', label: 'Last delivery' },
  { by: 'next_delivery', label: 'Next delivery' },
];

function List({ lines }: { lines: Line[] }) {
  const [text, setText] = useState('');
  const [status, setStatus] = useState('all');
  const [destination, setDestination] = useState<string | null>(null);
  const [sort, setSort] = useState<{ by: SortBy; down: boolean }>({ by: 'last_delivery', down: true });
  const destinations = useQuery(destinationsQuery);
  const names = new Map((destinations.data ?? []).map((one) => [one.destination.id, one.destination.name]));
  const statuses = [...new Set(lines.map((line) => line.status))];
  const rows = useMemo(() => {
    const wanted = text.trim().toLowerCase();
    const kept = lines.filter(
      (line) =>
        (status === 'all' || line.status === status) &&
        (!destination || line.destinations.includes(destination)) &&
        (line.name.toLowerCase().includes(wanted) || line.id.includes(wanted)),
    );
    return sorted(kept, sort.by, sort.down);
  }, [lines, text, status, destination, sort]);

  return (
    <Stack gap="sm">
      <Group gap="sm">
        <SearchField what="campaigns" placeholder="Search by name" value={text} onChange={setText} />
        <SegmentedControl
          aria-label="Status"
          value={status}
          onChange={setStatus}
          data={[{ value: 'all', label: 'All' }, ...statuses.map((one) => ({ value: one, label: sentence(one) }))]}
        />
        <Select
          aria-label="Destination"
          placeholder="Any destination"
          clearable
          value={destination}
          onChange={setDestination}
          data={[...names].map(([value, label]) => ({ value, label }))}
          w={190}
        />
      </Group>
      <Paper withBorder bg="var(--card)" style={{ overflowX: 'auto' }}>
        <Table highlightOnHover aria-label="Campaigns">
          <Table.Thead>
            <Table.Tr>
              {COLUMNS.map(({ by, label, right }) => (
                <Table.Th
                  key={by}
                  ta={right ? 'right' : undefined}
                  aria-sort={sort.by === by ? (sort.down ? 'descending' : 'ascending') : 'none'}
                >
                  <Button
                    variant="transparent"
                    color="var(--mantine-color-text)"
                    size="compact-sm"
                    px={0}
                    onClick={() => setSort({ by, down: sort.by === by ? !sort.down : false })}
                  >
                    {label}
                    {sort.by === by ? (sort.down ? ' ↓' : ' ↑') : ''}
                  </Button>
                </Table.Th>
              ))}
              <Table.Th>Destinations</Table.Th>
              <Table.Th>Edited by</Table.Th>
              <Table.Th aria-label="Actions" />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((line) => (
              <Row key={line.id} line={line} names={names} />
            ))}
          </Table.Tbody>
        </Table>
        {rows.length === 0 && (
          <Text c="dimmed" size="sm" p="lg" ta="center" role="status">
            No campaign is like that. Take a filter away.
          </Text>
        )}
      </Paper>
    </Stack>
  );
}

function Row({ line, names }: { line: Line; names: Map<string, string> }) {
  return (
    <Table.Tr>
      <Table.Td>
        <Link className="row-link" to="/campaigns/$campaign" params={{ campaign: line.id }}>
          {line.name}
        </Link>
        {line.has_draft && line.status !== 'draft' && (
          <Text size="xs" c="dimmed">
            has changes that are not published
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        <StatusBadge status={line.status} />
      </Table.Td>
      <Table.Td>{sentence(line.cadence)}</Table.Td>
      <Table.Td ta="right">
        <Count value={line.customers} size="sm" />
      </Table.Td>
      <Table.Td>
        <When at={line.last_delivery} />
      </Table.Td>
      <Table.Td>
        <When at={line.next_delivery} />
      </Table.Td>
      <Table.Td>
        <Group gap={4}>
          {line.destinations.map((id) => (
            <Badge key={id} variant="default" tt="none" fw={450} radius="sm">
              {names.get(id) ?? id}
            </Badge>
          ))}
        </Group>
      </Table.Td>
      <Table.Td>{line.edited_by}</Table.Td>
      <Table.Td>
        <Actions line={line} />
      </Table.Td>
    </Table.Tr>
  );
}

function Actions({ line }: { line: Line }) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const said = (title: string) => (error: Error) =>
    notifications.show({ color: 'red', title, message: sentence(error.message), autoClose: false });
  const params = { path: { campaign: line.id } };
  const copy = useMutation({
    mutationFn: () => ask(api.POST('/campaigns/{campaign}/copy', { params, body: { name: `Copy of ${line.name}` } })),
    onSuccess: (draft) => {
      void queries.invalidateQueries({ queryKey: ['campaigns'] });
      void navigate({ to: '/campaigns/$campaign', params: { campaign: draft.id } });
    },
    onError: said('It could not be copied'),
  });
  const run = useMutation({
    mutationFn: () =>
      ask(
        api.POST('/campaigns/{campaign}/run', {
          params: { ...params, header: { 'Idempotency-Key': crypto.randomUUID() } },
        }),
      ),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['campaigns'] });
      notifications.show({ title: line.name, message: 'It runs. The list shows when it is delivered.' });
    },
    onError: said('It could not be run'),
  });
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon color="gray" aria-label={`Actions of ${line.name}`}>
          <IconDots size={18} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          leftSection={<IconPlayerPlay size={16} aria-hidden />}
          disabled={line.status === 'draft' || line.status === 'running'}
          onClick={() => run.mutate()}
        >
          Run now
        </Menu.Item>
        <Menu.Item leftSection={<IconCopy size={16} aria-hidden />} onClick={() => copy.mutate()}>
          Copy
        </Menu.Item>
        <Menu.Item onClick={() => void navigator.clipboard.writeText(line.id)}>Copy its id</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function NewCampaign({ opened, close }: { opened: boolean; close: () => void }) {
  const [name, setName] = useState('');
  const navigate = useNavigate();
  const queries = useQueryClient();
  const make = useMutation({
    mutationFn: () => ask(api.POST('/campaigns', { body: { name: name.trim() } })),
    onSuccess: (draft) => {
      void queries.invalidateQueries({ queryKey: ['campaigns'] });
      void navigate({ to: '/campaigns/$campaign', params: { campaign: draft.id } });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim()) make.mutate();
  };
  return (
    <Modal opened={opened} onClose={close} title="New campaign">
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            data-autofocus
            label="Name"
            description="It becomes part of the names of lists and files"
            required
            maxLength={200}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={make.error ? sentence(make.error.message) : undefined}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button type="submit" loading={make.isPending} disabled={!name.trim()}>
              Make it
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
