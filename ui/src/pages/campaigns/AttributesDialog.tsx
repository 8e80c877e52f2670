import { Alert, Badge, Button, Checkbox, Group, Modal, Select, Stack, Table, Text, TextInput } from '@mantine/core';
import { IconInfoCircle, IconPlus, IconRestore } from '@tabler/icons-react';
import { useQueries, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask, type Problem, type Schemas } from '../../api/client';
import { problemsAt } from '../../api/problems';
import { destinationsQuery, kindsQuery, tablesQuery } from '../../api/queries';
import { Failure, Loading, ProblemList, Words } from '../../components';
import { firstSource, type Line, lines, type Mapping, withSource, wrongName } from './attributes';
import { type Campaign, setUse, usedDestinations } from './campaign';

interface Props {
  opened: boolean;
  close: () => void;
  campaign: Campaign;
  edit: (change: (campaign: Campaign) => Campaign, key?: string) => void;
  problems: Problem[];
}

/** What a campaign sends to each destination that it uses. */
export function AttributesDialog({ opened, close, ...rest }: Props) {
  const used = usedDestinations(rest.campaign);
  const [chosen, choose] = useState<string | null>(null);
  const destinations = useQuery({ ...destinationsQuery, enabled: opened });
  const kinds = useQuery({ ...kindsQuery, enabled: opened });
  const all = (destinations.data ?? []).map(({ destination }) => destination);
  const id = chosen && used.includes(chosen) ? chosen : (used[0] ?? null);
  const destination = all.find((one) => one.id === id);
  const kind = kinds.data?.find((one) => one.kind === destination?.kind);
  return (
    <Modal opened={opened} onClose={close} size={1120} title="Edit attributes">
      {used.length === 0 ? (
        <Text size="sm" c="dimmed">
          No treatment of this campaign has a destination yet. Choose destinations first; what is sent to each is set here.
        </Text>
      ) : (
        <Stack>
          <Select
            label="Select destination"
            description="Its settings hold for all groups of this campaign that use it"
            w={360}
            allowDeselect={false}
            data={used.map((value) => ({ value, label: all.find((one) => one.id === value)?.name ?? value }))}
            value={id}
            onChange={choose}
          />
          {(destinations.isPending || kinds.isPending) && <Loading what="destinations" />}
          {id && destination && kind && <Attributes key={id} id={id} kind={kind} {...rest} />}
          <Group justify="flex-end">
            <Button onClick={close}>Done</Button>
          </Group>
        </Stack>
      )}
    </Modal>
  );
}

const FACTS: { value: string; label: string }[] = [
  { value: 'fact:campaign_id', label: 'Campaign id' },
  { value: 'fact:campaign_name', label: 'Campaign name' },
  { value: 'fact:sub_audience_id', label: 'Sub-audience id' },
  { value: 'fact:sub_audience_name', label: 'Sub-audience name' },
  { value: 'fact:group_id', label: 'Treatment id' },
  { value: 'fact:group_name', label: 'Treatment name' },
  { value: 'fact:launch_date', label: 'Launch date' },
  { value: 'fact:run_id', label: 'Run id' },
];

interface AttributesProps extends Omit<Props, 'opened' | 'close'> {
  id: string;
  kind: Schemas['KindSpec'];
}

function Attributes({ id, kind, campaign, edit, problems }: AttributesProps) {
  const defaults = useQuery({
    queryKey: ['destinations', id, 'defaults'],
    queryFn: () => ask(api.GET('/destinations/{destination}/default_attributes', { params: { path: { destination: id } } })),
  });
  const tables = useQuery(tablesQuery);
  const own = campaign.destinations?.[id]?.attributes;
  const mappings = own ?? defaults.data?.attributes ?? [];
  const samples = useSamples(mappings);
  if (defaults.isError) return <Failure title="The default attributes cannot be shown" error={defaults.error} />;
  if (defaults.isPending || tables.isPending) return <Loading what="attributes" />;
  const columns = (tables.data ?? []).map((table) => ({
    group: table.rows_per_customer === 'many' ? `${table.name} (many rows a customer)` : table.name,
    items: table.columns.map(({ name }) => ({ value: `column:${table.name}.${name}`, label: `${table.name}.${name}` })),
  }));
  const sources = columns.flatMap((group) => group.items.map((item) => item.value));
  const path = `destinations.${id}.attributes`;
  const put = (next: Mapping[]) => edit((now) => setUse(now, id, { attributes: next }), path);
  const general = problems.filter((problem) => problem.path === path || problem.path === `destinations.${id}`);
  return (
    <Stack gap="sm">
      <Alert variant="light" p="xs" icon={<IconInfoCircle size={18} aria-hidden />}>
        <Words text={`${kind.rules.summary}.`} />
      </Alert>
      {general.length > 0 && (
        <Alert color="red" variant="light" p="xs" role="alert">
          <ProblemList problems={general} paths={false} />
        </Alert>
      )}
      <Table verticalSpacing={6} aria-label="Attributes">
        <Table.Thead>
          <Table.Tr>
            <Table.Th w={40} aria-label="Sent" />
            <Table.Th>Destination attribute</Table.Th>
            <Table.Th w={100}>Status</Table.Th>
            <Table.Th w={300}>Source column</Table.Th>
            <Table.Th w={240}>Sample values</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {lines(kind.rules, mappings).map((line) => (
            <AttributeRow
              key={line.name}
              line={line}
              data={[...columns, { group: 'Facts of the campaign', items: FACTS }]}
              sample={line.mapped && samples.get(line.mapped.source)}
              problems={line.mapped ? problemsAt(problems, `${path}[${line.mapped.at}]`) : []}
              put={(source) => put(withSource(mappings, line.name, source))}
              tick={() => put(withSource(mappings, line.name, firstSource(line.name, defaults.data.attributes, sources)))}
            />
          ))}
        </Table.Tbody>
      </Table>
      <Group justify="space-between" align="flex-start">
        {kind.rules.custom === 'forbidden' ? (
          <Text size="sm" c="dimmed">
            {kind.title} takes no other attributes.
          </Text>
        ) : (
          <AddAttribute rules={kind.rules} mappings={mappings}
            add={(name) => put(withSource(mappings, name, firstSource(name, defaults.data.attributes, sources)))} />
        )}
        <Button variant="default" leftSection={<IconRestore size={16} aria-hidden />} disabled={!own}
          onClick={() => edit((now) => setUse(now, id, { attributes: undefined }))}>
          Reset to defaults
        </Button>
      </Group>
      <Group align="flex-start">
        {kind.memberships.length > 0 && (
          <Select label="What a delivery does to the list" w={300} clearable placeholder={`As by default: ${kind.memberships[0]}`}
            data={kind.memberships} value={campaign.destinations?.[id]?.membership ?? null}
            onChange={(membership) => edit((now) => setUse(now, id, { membership: membership as Schemas['Membership'] | null }))} />
        )}
        <TextInput label={`Name of each ${kind.list.noun}`} style={{ flex: 1 }} placeholder={kind.list.name_template}
          value={campaign.destinations?.[id]?.name ?? ''}
          onChange={(event) => {
            const name = event.currentTarget.value;
            edit((now) => setUse(now, id, { name }), `destinations.${id}.name`);
          }}
          error={problemsAt(problems, `destinations.${id}.name`)[0]?.reason} />
      </Group>
    </Stack>
  );
}

interface RowProps {
  line: Line;
  data: { group: string; items: { value: string; label: string }[] }[];
  sample: string | undefined;
  problems: Problem[];
  put: (source: string | null) => void;
  tick: () => void;
}

const REQUIREMENTS = { required: 'required', optional: 'optional', one_of: 'one of' };

function AttributeRow({ line, data, sample, problems, put, tick }: RowProps) {
  const { name, spec, mapped } = line;
  const requirement = spec?.requirement ?? 'optional';
  return (
    <Table.Tr style={{ verticalAlign: 'top' }}>
      <Table.Td pt={12}>
        <Checkbox
          size="xs"
          aria-label={`Send ${name}`}
          checked={mapped !== undefined}
          disabled={requirement === 'required' && mapped !== undefined}
          onChange={(event) => (event.currentTarget.checked ? tick() : put(null))}
        />
      </Table.Td>
      <Table.Td>
        <Text size="sm" fw={500}>
          {name}
        </Text>
        {spec?.description && (
          <Text size="xs" c="dimmed">
            <Words text={spec.description} />
            {spec.hash === 'sha256' ? '; leaves as a hash' : ''}
          </Text>
        )}
        {problems.length > 0 && <ProblemList problems={problems} paths={false} />}
      </Table.Td>
      <Table.Td pt={10}>
        <Badge variant={requirement === 'required' ? 'light' : 'default'} tt="none" fw={500} radius="sm">
          {REQUIREMENTS[requirement]}
        </Badge>
      </Table.Td>
      <Table.Td>
        <Select
          size="xs"
          aria-label={`Source of ${name}`}
          placeholder="Not sent"
          searchable
          allowDeselect={false}
          data={data}
          value={mapped?.source ?? null}
          onChange={(source) => source && put(source)}
          error={problems.some((problem) => problem.severity === 'error')}
        />
      </Table.Td>
      <Table.Td pt={9}>
        <Text size="xs" c="dimmed" lineClamp={1}>
          {sample}
        </Text>
      </Table.Td>
    </Table.Tr>
  );
}

function AddAttribute({ rules, mappings, add }: { rules: Schemas['Rules']; mappings: Mapping[]; add: (name: string) => void }) {
  const prefix = typeof rules.custom === 'object' ? rules.custom.with_prefix : '';
  const [name, setName] = useState(prefix);
  const wrong = wrongName(name, rules, mappings);
  const touched = name !== prefix;
  return (
    <Group align="flex-start" gap="xs" component="form" onSubmit={(event: { preventDefault: () => void }) => {
      event.preventDefault();
      if (wrong) return;
      add(name);
      setName(prefix);
    }}>
      <TextInput aria-label="Name of the new attribute" placeholder="Name" w={260} value={name}
        onChange={(event) => setName(event.currentTarget.value)} error={touched ? wrong : undefined} />
      <Button type="submit" variant="light" leftSection={<IconPlus size={16} aria-hidden />} disabled={!!wrong}>
        Add attribute
      </Button>
    </Group>
  );
}

/** The first values of each column that is mapped, by its source. */
function useSamples(mappings: Mapping[]): Map<string, string> {
  const columns = mappings.flatMap((mapping) => ('column' in mapping ? [mapping.column] : []));
  const tables = [...new Set(columns.map((column) => column.slice(0, column.indexOf('.'))))];
  return useQueries({
    queries: tables.map((table) => ({
      queryKey: ['tables', table, 'sample', 4],
      queryFn: () => ask(api.GET('/tables/{table}/sample', { params: { path: { table }, query: { limit: 4 } } })),
      staleTime: 60_000,
      retry: false,
    })),
    combine: (samples) => {
      const found = new Map<string, string>();
      samples.forEach(({ data }, index) => {
        data?.columns.forEach((column, at) => {
          const values = data.rows.map((row) => row[at]).filter((value) => value != null && value !== '');
          found.set(`column:${tables[index]}.${column}`, [...new Set(values)].join(', '));
        });
      });
      return found;
    },
  });
}
