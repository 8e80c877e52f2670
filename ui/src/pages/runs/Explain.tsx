import { Alert, Badge, Button, Card, Group, SimpleGrid, Stack, Table, Text, TextInput, ThemeIcon } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { IconCheck, IconX } from '@tabler/icons-react';
import { type FormEvent, useState } from 'react';

import { api, ask, type Schemas } from '../../api/client';
import { Failure, Loading, Words } from '../../components';
import { spoken } from './counts';
import { moment } from './time';

type Explanation = Schemas['Explanation'];
type ConditionTest = Schemas['ConditionTest'];

const roles: Record<Schemas['SegmentRole'], string> = {
  included: 'included',
  excluded: 'excluded',
  always_excluded: 'always excluded',
};

/** Why one customer is where it is, and what it was sent. */
export function Explain({ campaign }: { campaign: string }) {
  const [typed, setTyped] = useState('');
  const [customer, setCustomer] = useState('');
  const explanation = useQuery({
    queryKey: ['explain', campaign, customer],
    queryFn: ({ signal }) =>
      ask(
        api.GET('/campaigns/{campaign}/explain/{customer}', { params: { path: { campaign, customer } }, signal }),
      ),
    enabled: customer !== '',
    retry: false,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setCustomer(typed.trim());
  };
  return (
    <Stack>
      <form onSubmit={submit}>
        <Group align="flex-end">
          <TextInput
            label="Customer key"
            description="As the customer table has it. The campaign's last run is explained."
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            w={320}
          />
          <Button type="submit" disabled={typed.trim() === ''} loading={explanation.isFetching}>
            Explain
          </Button>
        </Group>
      </form>
      {explanation.isLoading && <Loading what="the customer" />}
      {explanation.error && <Failure title="The customer cannot be explained" error={explanation.error} />}
      {explanation.data && <Explained explanation={explanation.data} />}
    </Stack>
  );
}

function verdict({ customer_key, exists, forgotten, in_audience, treatments }: Explanation): string {
  if (forgotten) {
    return `Customer ${customer_key} was forgotten on ${moment(forgotten)}: no run assigns or sends it since.`;
  }
  if (!exists) {
    return `There is no customer ${customer_key}.`;
  }
  if (treatments.length > 0) {
    const names = treatments.map(({ group, sub_audience }) => group ?? sub_audience);
    return `Customer ${customer_key} is in ${names.join(' and ')}.`;
  }
  return in_audience
    ? `Customer ${customer_key} is in the audience, and in no run of the campaign yet.`
    : `Customer ${customer_key} is not in the audience.`;
}

function Explained({ explanation }: { explanation: Explanation }) {
  return (
    <Stack gap="md">
      <Alert variant="light" color={explanation.treatments.length > 0 ? 'tide' : 'gray'} role="status">
        <Text fw={600}>{verdict(explanation)}</Text>
        <Text size="sm">As of {moment(explanation.as_of)}.</Text>
      </Alert>
      {explanation.exists && (
        <SimpleGrid cols={{ base: 1, lg: 2 }}>
          <Card withBorder bg="var(--card)">
            <Text fw={600} mb="xs">
              Segments of the audience
            </Text>
            <Tests tests={explanation.segments.map(({ role, test }) => ({ test, note: roles[role] }))} />
          </Card>
          {explanation.sub_audiences.length > 0 && (
            <Card withBorder bg="var(--card)">
              <Text fw={600} mb="xs">
                Sub-audiences, in order
              </Text>
              <Tests tests={explanation.sub_audiences.map((test) => ({ test }))} />
            </Card>
          )}
        </SimpleGrid>
      )}
      {explanation.treatments.map((treatment) => (
        <Card withBorder bg="var(--card)" key={`${treatment.sub_audience} ${treatment.group}`}>
          <Group mb="xs">
            <Text fw={600}>{treatment.group ?? treatment.sub_audience}</Text>
            {treatment.control && (
              <Badge variant="light" color="gray" tt="none">
                control, held out
              </Badge>
            )}
            <Text size="xs" c="dimmed">
              position {treatment.position}
            </Text>
          </Group>
          {treatment.destinations.length === 0 ? (
            <Text size="sm">Nothing is sent to this group.</Text>
          ) : (
            <Table>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Destination</Table.Th>
                  <Table.Th>List</Table.Th>
                  <Table.Th>Outcome</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {treatment.destinations.map((sent) => (
                  <Table.Tr key={`${sent.destination} ${sent.list_name}`}>
                    <Table.Td>{sent.destination}</Table.Td>
                    <Table.Td>{sent.list_name}</Table.Td>
                    <Table.Td>
                      {sent.sent ? 'Sent' : 'Not sent'}
                      {sent.reasons.length > 0 && `: ${sent.reasons.map(spoken).join(', ')}`}
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )}
        </Card>
      ))}
    </Stack>
  );
}

/** Conditions with whether each holds, said by more than a colour. */
function Tests({ tests }: { tests: { test: ConditionTest; note?: string }[] }) {
  return (
    <Stack component="ul" gap={6} m={0} p={0} style={{ listStyle: 'none' }}>
      {tests.map(({ test, note }) => (
        <Group component="li" key={`${note} ${test.text}`} gap="xs" wrap="nowrap" align="flex-start">
          <ThemeIcon size={18} mt={2} radius="xl" variant="light" color={test.holds ? 'tide' : 'gray'}>
            {test.holds ? (
              <IconCheck size={12} role="img" aria-label="holds" />
            ) : (
              <IconX size={12} role="img" aria-label="does not hold" />
            )}
          </ThemeIcon>
          <Stack gap={6}>
            <Text size="sm" component="div">
              <Words text={test.text} />
              {note && (
                <Text span c="dimmed" inherit>
                  {' '}
                  ({note})
                </Text>
              )}
            </Text>
            {test.within && test.within.length > 0 && <Tests tests={test.within.map((inner) => ({ test: inner }))} />}
          </Stack>
        </Group>
      ))}
    </Stack>
  );
}
