import { Badge, Group, Paper, Stack, Table, Text } from '@mantine/core';
import { IconUsers } from '@tabler/icons-react';

import { Count, Empty } from '../../components';
import type { RunSummary } from './counts';

/** Who got which treatment in a run. */
export function Audience({ run: { audience, outcome } }: { run: RunSummary }) {
  if (!audience) {
    return outcome === null ? (
      <Empty icon={IconUsers} title="Nobody is assigned yet">The counts appear here as soon as everybody is.</Empty>
    ) : (
      <Empty icon={IconUsers} title="Nobody was assigned">The run ended before that.</Empty>
    );
  }
  return (
    <Stack>
      <Text size="sm">
        <Count value={audience.customers} size="sm" fw={600} /> customers are in the audience.
      </Text>
      <Paper withBorder bg="var(--card)" maw={720}>
      <Table aria-label="Audience">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Sub-audience and treatment</Table.Th>
            <Table.Th ta="right">Customers</Table.Th>
          </Table.Tr>
        </Table.Thead>
        {audience.sub_audiences.map((subAudience) => (
          <Table.Tbody key={subAudience.id}>
            <Table.Tr bg="var(--mantine-color-default-hover)">
              <Table.Th scope="rowgroup">{subAudience.name}</Table.Th>
              <Table.Td ta="right" fw={600}>
                <Count value={subAudience.customers} size="sm" fw={600} />
              </Table.Td>
            </Table.Tr>
            {subAudience.groups.map((group) => (
              <Table.Tr key={group.id}>
                <Table.Td pl="xl">
                  <Group gap="xs">
                    {group.name}
                    {group.control && (
                      <Badge variant="light" color="gray" tt="none">
                        control
                      </Badge>
                    )}
                  </Group>
                </Table.Td>
                <Table.Td ta="right">
                  <Count value={group.customers} size="sm" />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        ))}
      </Table>
      </Paper>
    </Stack>
  );
}
