import { Alert, Badge, Button, Card, Group, List, Stack, Table, Text, TextInput, ThemeIcon } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { IconCheck, IconX } from '@tabler/icons-react';
import { type FormEvent, useState } from 'react';

import { api, ask, type Schemas } from '../../api/client';
import { Failure, Loading } from '../../components';
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
            description="As the customer table has it. The campaign’s last run is explained."
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

function verdict({ customer_key, exists, in_audience, treatments }: Explanation): string {
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
    <Stack gap="md" aria-live="polite">
      <Alert color={explanation.treatments.length > 0 ? 'teal' : 'gray'} title={verdict(explanation)}>
        As of {moment(explanation.as_of)}.
      </Alert>
      {explanation.exists && (
        <Group align="stretch" grow preventGrowOverflow={false}>
          <Card withBorder miw={320} bg="var(--card)">
            <Text fw={600} mb="xs">
              Segments of the audience
            </Text>
            <List listStyleType="none" spacing="xs" size="sm">
              {explanation.segments.map(({ role, test }) => (
                <Tested key={`${role} ${test.text}`} test={test} note={roles[role]} />
              ))}
            </List>
          </Card>
          {explanation.sub_audiences.length > 0 && (
            <Card withBorder miw={320} bg="var(--card)">
              <Text fw={600} mb="xs">
                Sub-audiences, in order
              </Text>
              <List listStyleType="none" spacing="xs" size="sm">
                {explanation.sub_audiences.map((test) => (
                  <Tested key={test.text} test={test} />
                ))}
              </List>
            </Card>
          )}
        </Group>
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
                      <Badge color={sent.sent ? 'teal' : 'yellow'} variant="light" tt="none">
                        {sent.sent ? 'sent' : 'not sent'}
                      </Badge>{' '}
                      {sent.reasons.map(spoken).join(', ')}
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

/** A condition with whether it holds, said by more than a colour. */
function Tested({ test, note }: { test: ConditionTest; note?: string }) {
  const Icon = test.holds ? IconCheck : IconX;
  return (
    <List.Item
      icon={
        <ThemeIcon size={18} radius="xl" variant="light" color={test.holds ? 'teal' : 'gray'}>
          <Icon size={12} role="img" aria-label={test.holds ? 'holds' : 'does not hold'} />
        </ThemeIcon>
      }
    >
      {test.text}
      {note && (
        <Text span c="dimmed">
          {' '}
          ({note})
        </Text>
      )}
      {test.within && test.within.length > 0 && (
        <List listStyleType="none" size="sm" mt={4} withPadding>
          {test.within.map((inner) => (
            <Tested key={inner.text} test={inner} />
          ))}
        </List>
      )}
    </List.Item>
  );
}
