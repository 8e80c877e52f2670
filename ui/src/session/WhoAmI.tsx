import { ActionIcon, Group, Text, Tooltip } from '@mantine/core';
import { IconLogout } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { api, ask } from '../api/client';
import { meQuery } from './session';

/** Who is logged in, and the way out. */
export function WhoAmI() {
  const { data: me } = useQuery(meQuery);
  const leave = useMutation({
    mutationFn: () => ask(api.POST('/logout')),
    // Nothing of what somebody saw stays in the page.
    onSettled: () => window.location.assign('/'),
  });
  if (!me) return null;
  return (
    <Group justify="space-between" wrap="nowrap" px={8} py={6}>
      <div style={{ minWidth: 0 }}>
        <Text size="sm" fw={500} truncate title={me.name}>
          {me.name}
        </Text>
        <Text size="xs" c="dimmed">
          {me.role}
        </Text>
      </div>
      <Tooltip label="Log out" position="right">
        <ActionIcon size="lg" color="gray" aria-label="Log out" loading={leave.isPending} onClick={() => leave.mutate()}>
          <IconLogout size={18} aria-hidden />
        </ActionIcon>
      </Tooltip>
    </Group>
  );
}
