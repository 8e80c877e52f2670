import { ActionIcon, Button, Checkbox, Group, MultiSelect, NumberInput, Table, Text, TextInput } from '@mantine/core';
import { IconEqual, IconPlus, IconX } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { Problem, Schemas } from '../../api/client';
import { textAt } from '../../api/problems';
import { destinationsQuery } from '../../api/queries';
import { Count, Words } from '../../components';
import { sentence } from '../../components/Failure';
import {
  addGroup, destinationId, type Edit, evenOut, type Group as TreatmentGroup, hundredths, pathOf, removeGroup, renameGroup, setControl, setDestinations,
  setPercent, type Whose,
} from './campaign';

interface Props {
  whose: Whose;
  groups: TreatmentGroup[];
  edit: Edit;
  problems: Problem[];
  published: boolean;
  counts: Schemas['GroupCounts'][] | undefined;
}

/** The groups of a sub-audience: names, control, where they go, their shares and sizes. */
export function GroupTable({ whose, groups, edit, problems, published, counts }: Props) {
  const destinations = useQuery(destinationsQuery);
  const path = pathOf(whose);
  const sum = hundredths(groups) / 100;
  const data = (destinations.data ?? []).map(({ destination }) => ({ value: destination.id, label: destination.name }));
  const wrong = problems.find((problem) => problem.path === path);
  return (
    <div>
      {groups.length > 0 && (
        <Table withRowBorders verticalSpacing={6} layout="fixed" aria-label="Treatment groups">
          <Table.Thead>
            <Table.Tr>
              <Table.Th w="27%">Treatment name</Table.Th>
              <Table.Th w={84}>Control</Table.Th>
              <Table.Th>Destinations</Table.Th>
              <Table.Th w={118}>Split</Table.Th>
              <Table.Th w={110} ta="right">
                Customers
              </Table.Th>
              <Table.Th w={46} aria-label="Remove" />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {groups.map((group, at) => (
              <Table.Tr key={at} style={{ verticalAlign: 'top' }}>
                <Table.Td>
                  <TextInput
                    size="xs"
                    aria-label="Treatment name"
                    value={group.name}
                    onChange={(event) => {
                      const name = event.currentTarget.value;
                      edit((now) => renameGroup(now, whose, at, name, published), `${path}[${at}].name`);
                    }}
                    error={textAt(problems, `${path}[${at}].name`)}
                  />
                </Table.Td>
                <Table.Td pt={12}>
                  <Checkbox
                    size="xs"
                    aria-label={`${group.name} is the control group`}
                    checked={group.control ?? false}
                    onChange={(event) => {
                      const control = event.currentTarget.checked;
                      edit((now) => setControl(now, whose, at, control));
                    }}
                    error={textAt(problems, `${path}[${at}].control`)}
                  />
                </Table.Td>
                <Table.Td>
                  {group.control && (group.destinations ?? []).length === 0 ? (
                    <Text size="sm" c="dimmed" pt={5}>
                      Held out: sent nowhere
                    </Text>
                  ) : (
                    <MultiSelect
                      size="xs"
                      aria-label={`Destinations of ${group.name}`}
                      placeholder={(group.destinations ?? []).length === 0 ? 'Choose destinations' : undefined}
                      searchable
                      // What is chosen fills the line; what is typed needs little.
                      styles={{ inputField: { minWidth: 24 } }}
                      data={data}
                      value={(group.destinations ?? []).map(destinationId)}
                      onChange={(ids) => edit((now) => setDestinations(now, whose, at, ids))}
                      error={textAt(problems, `${path}[${at}].destinations`)}
                    />
                  )}
                </Table.Td>
                <Table.Td>
                  <NumberInput
                    size="xs"
                    aria-label={`Split of ${group.name}`}
                    suffix=" %"
                    min={0}
                    max={100}
                    decimalScale={2}
                    value={group.percent}
                    onChange={(percent) =>
                      typeof percent === 'number' &&
                      edit((now) => setPercent(now, whose, at, percent), `${path}[${at}].percent`)
                    }
                    error={textAt(problems, `${path}[${at}].percent`)}
                  />
                </Table.Td>
                <Table.Td ta="right" pt={11}>
                  <Count className="live" value={counts?.find((one) => one.name === group.name)?.customers} size="sm" />
                </Table.Td>
                <Table.Td>
                  <ActionIcon color="gray" aria-label={`Remove ${group.name}`} onClick={() => edit((now) => removeGroup(now, whose, at))}>
                    <IconX size={14} aria-hidden />
                  </ActionIcon>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      <Group justify="space-between" mt={6}>
        <Group gap="xs">
          <Button size="compact-sm" variant="subtle" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => edit((now) => addGroup(now, whose))}>
            Add treatment
          </Button>
          {groups.length > 1 && (
            <Button size="compact-sm" variant="subtle" leftSection={<IconEqual size={14} aria-hidden />} onClick={() => edit((now) => evenOut(now, whose))}>
              Even out
            </Button>
          )}
          {wrong && (
            <Text size="xs" c={wrong.severity === 'error' ? 'var(--mantine-color-error)' : 'dimmed'} role="alert">
              <Words text={`${sentence(wrong.reason)}: ${wrong.remedy}.`} />
            </Text>
          )}
        </Group>
        {groups.length > 0 && (
          <Text size="sm" fw={500} c={sum === 100 ? 'dimmed' : 'var(--mantine-color-error)'}>
            {sum} % in all
          </Text>
        )}
      </Group>
    </div>
  );
}
