import { Alert, Badge, Button, Checkbox, Group, Select, Stack, Table, Text, TextInput } from '@mantine/core';
import { IconInfoCircle, IconPlus, IconRestore } from '@tabler/icons-react';
import { useQueries, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask, type Problem, type Schemas } from '../api/client';
import { problemsAt } from '../api/problems';
import { tablesQuery } from '../api/queries';
import { Loading, ProblemList, Words } from '../components';
import { firstSource, type Line, lines, type Mapping, withSource, wrongName } from './model';

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

interface Props {
  kind: Schemas['KindSpec'];
  mappings: Mapping[];
  /** What attributes begin with when they are ticked. */
  defaults: Mapping[];
  put: (mappings: Mapping[]) => void;
  /** Goes back to the defaults; not there where they hold already. */
  reset: (() => void) | undefined;
  problems: Problem[];
  /** Where the mappings are in what is edited, for problems. */
  path: string;
}

/** The attributes that a kind takes, and where each comes from. */
export function AttributeTable({ kind, mappings, defaults, put, reset, problems, path }: Props) {
  const tables = useQuery(tablesQuery);
  const samples = useSamples(mappings);
  if (tables.isPending) return <Loading what="attributes" />;
  const columns = (tables.data ?? []).map((table) => ({
    group: table.rows_per_customer === 'many' ? `${table.name} (many rows a customer)` : table.name,
    items: table.columns.map(({ name }) => ({ value: `column:${table.name}.${name}`, label: `${table.name}.${name}` })),
  }));
  const sources = columns.flatMap((group) => group.items.map((item) => item.value));
  const begin = (name: string) => put(withSource(mappings, name, firstSource(name, defaults, sources)));
  const general = problems.filter((problem) => problem.path === path);
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
              tick={() => begin(line.name)}
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
          <AddAttribute rules={kind.rules} mappings={mappings} add={begin} />
        )}
        <Button variant="default" leftSection={<IconRestore size={16} aria-hidden />} disabled={!reset} onClick={() => reset?.()}>
          Reset to defaults
        </Button>
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
