import { Group, Loader, Text } from '@mantine/core';

/** Something is on its way. */
export function Loading({ what }: { what: string }) {
  return (
    <Group gap="xs" py="xl" justify="center" role="status">
      <Loader size="sm" aria-hidden />
      <Text size="sm" c="dimmed">
        Loading {what} …
      </Text>
    </Group>
  );
}
