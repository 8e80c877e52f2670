import { Alert, Button, CloseButton, Group, Menu, Paper, Select, Stack, Switch, Text } from '@mantine/core';
import { IconFolderPlus, IconPlus, IconTable, IconUsersGroup } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { Problem } from '../api/client';
import { problemsAt } from '../api/problems';
import { segmentsQuery, tablesQuery } from '../api/queries';
import { Failure, Loading, ProblemList } from '../components';
import { AggregateRow } from './AggregateRow';
import { ColumnRow } from './ColumnRow';
import { type All, type Any, type Condition, groupOf, isGroup, membersOf, negatedIf, peeled, type Table } from './model';

/** What the rows of a builder share. */
export interface Setting {
  /** All tables. */
  tables: Table[];
  /** The many-rows table whose rows are tested; none where customers are. */
  rowsOf?: string;
  segments: { value: string; label: string }[];
  problems: Problem[];
}

interface Props {
  value: Condition;
  onChange: (condition: Condition) => void;
  /** Where the condition is in what is validated, such as `customers.where`. */
  path: string;
  problems?: Problem[];
  /** A segment that may not be chosen: the one that is edited. */
  without?: string;
}

/** Makes a tree of conditions: rows joined by all or any, in groups. */
export function ConditionBuilder({ value, onChange, path, problems = [], without }: Props) {
  const tables = useQuery(tablesQuery);
  const segments = useQuery(segmentsQuery);
  if (tables.isError) return <Failure title="The tables cannot be shown" error={tables.error} retry={() => void tables.refetch()} />;
  if (tables.isPending) return <Loading what="tables" />;
  const known = (segments.data ?? [])
    .filter(({ segment }) => segment.id !== without)
    .map(({ segment }) => ({ value: segment.id, label: segment.name }));
  return (
    <RootGroup value={value} onChange={onChange} path={path} setting={{ tables: tables.data, segments: known, problems }} />
  );
}

interface NodeProps {
  value: Condition;
  onChange: (condition: Condition) => void;
  path: string;
  setting: Setting;
}

/** The outermost group. A single condition stands for a group of one, and is written without it. */
export function RootGroup({ value, onChange, path, setting }: NodeProps) {
  const alone = !isGroup(peeled(value).inner);
  const change = (next: Condition) => {
    const { inner, negated } = peeled(next);
    const only = 'all' in inner && inner.all.length === 1 && !negated ? inner.all[0] : undefined;
    onChange(only && !isGroup(peeled(only).inner) ? only : next);
  };
  return (
    <GroupNode
      value={alone ? { all: [value] } : value}
      onChange={change}
      path={path}
      pathOf={alone ? () => path : undefined}
      setting={setting}
    />
  );
}

const MODES = [
  { value: 'all', label: 'All of these hold' },
  { value: 'any', label: 'Any of these holds' },
  { value: 'not any', label: 'None of these holds' },
  { value: 'not all', label: 'Not all of these hold' },
];

interface GroupProps extends NodeProps {
  /** Where a member is, if not where its place in the group says. */
  pathOf?: (at: number) => string;
  remove?: () => void;
}

function GroupNode({ value, onChange, path, pathOf, setting, remove }: GroupProps) {
  const { inner, negated } = peeled(value);
  const group = inner as All | Any;
  const word = 'all' in group ? 'all' : 'any';
  const members = membersOf(group);
  const inPath = negated ? `${path}.not` : path;
  const put = (next: Condition[], mode = word, not = negated) =>
    onChange(negatedIf(groupOf(mode as 'all' | 'any', next), not));
  return (
    <Paper withBorder p="sm" bg={remove ? 'var(--page)' : undefined} role="group" aria-label="Conditions">
      <Stack gap="xs">
        <Group justify="space-between">
          <Select
            size="xs"
            w={190}
            aria-label="How the conditions are joined"
            allowDeselect={false}
            data={MODES}
            value={`${negated ? 'not ' : ''}${word}`}
            onChange={(mode) => mode && put(members, mode.endsWith('any') ? 'any' : 'all', mode.startsWith('not'))}
          />
          {remove && <CloseButton size="sm" aria-label="Remove the group" onClick={remove} />}
        </Group>
        {members.length === 0 && (
          <Text size="sm" c="dimmed">
            {word === 'all' ? 'No condition yet: it holds for everybody.' : 'No condition yet: it holds for nobody.'}
          </Text>
        )}
        {members.map((member, at) => (
          <Member
            key={at}
            value={member}
            onChange={(next) => put(members.map((one, index) => (index === at ? next : one)))}
            remove={() => put(members.filter((_, index) => index !== at))}
            path={pathOf?.(at) ?? `${inPath}.${word}[${at}]`}
            setting={setting}
          />
        ))}
        <Add setting={setting} add={(condition) => put([...members, condition])} />
      </Stack>
    </Paper>
  );
}

function Member({ value, onChange, path, setting, remove }: NodeProps & { remove: () => void }) {
  const { inner, negated } = peeled(value);
  if (isGroup(inner)) {
    return <GroupNode value={value} onChange={onChange} path={path} setting={setting} remove={remove} />;
  }
  const put = (next: Condition) => onChange(negatedIf(next, negated));
  const inPath = negated ? `${path}.not` : path;
  // What is wrong within an aggregate's rows is said there.
  const own = problemsAt(setting.problems, path).filter((problem) => !problem.path.startsWith(`${inPath}.where`));
  return (
    <Stack gap={4}>
      <Group gap="xs" align="flex-start" wrap="nowrap">
        <Switch
          size="xs"
          mt={7}
          label="not"
          checked={negated}
          onChange={(event) => onChange(negatedIf(inner, event.currentTarget.checked))}
        />
        <div style={{ flex: 1, minWidth: 0 }}>
          {'segment' in inner ? (
            <Select
              size="xs"
              aria-label="Segment"
              placeholder="Choose a segment"
              leftSection={<IconUsersGroup size={14} aria-hidden />}
              searchable
              allowDeselect={false}
              data={setting.segments}
              value={inner.segment || null}
              onChange={(segment) => segment && put({ segment })}
            />
          ) : 'aggregate' in inner ? (
            <AggregateRow value={inner} onChange={put} path={inPath} setting={setting} />
          ) : (
            <ColumnRow value={inner} onChange={put} setting={setting} />
          )}
        </div>
        <CloseButton size="sm" mt={2} aria-label="Remove the condition" onClick={remove} />
      </Group>
      {own.length > 0 && (
        <Alert color="red" variant="light" p="xs">
          <ProblemList problems={own} paths={false} />
        </Alert>
      )}
    </Stack>
  );
}

function Add({ setting, add }: { setting: Setting; add: (condition: Condition) => void }) {
  const many = setting.tables.filter((table) => table.rows_per_customer === 'many');
  const column = () => add({ column: '', operator: 'is' });
  return (
    <Group gap="xs">
      <Button size="compact-sm" variant="light" leftSection={<IconPlus size={14} aria-hidden />} onClick={column}>
        Condition
      </Button>
      {!setting.rowsOf && many.length > 0 && (
        <Menu>
          <Menu.Target>
            <Button size="compact-sm" variant="subtle" leftSection={<IconTable size={14} aria-hidden />}>
              Rows of a table
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            {many.map((table) => (
              <Menu.Item key={table.name} onClick={() => add({ aggregate: 'exists', table: table.name })}>
                {table.name}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      )}
      {!setting.rowsOf && (
        <Button
          size="compact-sm"
          variant="subtle"
          leftSection={<IconUsersGroup size={14} aria-hidden />}
          onClick={() => add({ segment: '' })}
        >
          Segment
        </Button>
      )}
      <Button
        size="compact-sm"
        variant="subtle"
        leftSection={<IconFolderPlus size={14} aria-hidden />}
        onClick={() => add({ any: [{ column: '', operator: 'is' }] })}
      >
        Group
      </Button>
    </Group>
  );
}
