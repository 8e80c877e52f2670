import { Badge, Button, Group, Paper, Select, Stack, Switch, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { destinationsQuery } from '../../api/queries';
import { Count, SearchField, StatusBadge, When } from '../../components';
import { sentence } from '../../components/Failure';
import { CampaignActions } from './CampaignActions';
import { choices, type Filters, kept, type Line, NO_FILTERS, type SortBy, sorted } from './list';

const COLUMNS: { by: SortBy; label: string; right?: boolean }[] = [
  { by: 'name', label: 'Name' },
  { by: 'status', label: 'Status' },
  { by: 'cadence', label: 'Cadence' },
  { by: 'customers', label: 'Audience', right: true },
  { by: 'last_delivery', label: 'Last delivery' },
  { by: 'next_delivery', label: 'Next delivery' },
];

const FILTERS: { sort: keyof Filters; label: string; any: string }[] = [
  { sort: 'status', label: 'Status', any: 'Any status' },
  { sort: 'often', label: 'Cadence', any: 'Any cadence' },
  { sort: 'destination', label: 'Destination', any: 'Any destination' },
  { sort: 'folder', label: 'Folder', any: 'Any folder' },
  { sort: 'label', label: 'Label', any: 'Any label' },
  { sort: 'edited_by', label: 'Edited by', any: 'Anybody' },
];

interface Props {
  lines: Line[];
  /** Whether archived campaigns are among them. */
  archived: boolean;
  setArchived: (archived: boolean) => void;
}

/** Campaigns as a table with filters above it. */
export function CampaignList({ lines, archived, setArchived }: Props) {
  const [text, setText] = useState('');
  const [filters, setFilters] = useState(NO_FILTERS);
  const [sort, setSort] = useState<{ by: SortBy; down: boolean }>({ by: 'last_delivery', down: true });
  const destinations = useQuery(destinationsQuery);
  const names = new Map((destinations.data ?? []).map((one) => [one.destination.id, one.destination.name]));
  const rows = useMemo(() => sorted(kept(lines, filters, text), sort.by, sort.down), [lines, text, filters, sort]);
  const said = (of: keyof Filters, value: string) =>
    of === 'destination' ? (names.get(value) ?? value) : of === 'status' || of === 'often' ? sentence(value.replace('_', ' ')) : value;
  return (
    <Stack gap="sm">
      <Group gap="xs">
        <SearchField what="campaigns" placeholder="Search by name" value={text} onChange={setText} />
        {FILTERS.map(({ sort: of, label, any }) => ({ of, label, any, there: choices(lines, of) }))
          .filter(({ there }) => there.length > 0)
          .map(({ of, label, any, there }) => (
            <Select
              key={of}
              aria-label={label}
              placeholder={any}
              w={160}
              clearable
              value={filters[of]}
              onChange={(value) => setFilters({ ...filters, [of]: value })}
              data={there.map((value) => ({ value, label: said(of, value) }))}
            />
          ))}
        <Switch label="Also archived" checked={archived} onChange={(event) => setArchived(event.currentTarget.checked)} />
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
        {(line.folder || line.labels.length > 0) && (
          <Group gap={4} mt={2}>
            {line.folder && (
              <Text size="xs" c="dimmed">
                {line.folder}
              </Text>
            )}
            {line.labels.map((label) => (
              <Badge key={label} size="sm" variant="light" tt="none" fw={500} radius="sm">
                {label}
              </Badge>
            ))}
          </Group>
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
        <CampaignActions line={line} />
      </Table.Td>
    </Table.Tr>
  );
}
