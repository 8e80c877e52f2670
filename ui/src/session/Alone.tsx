import { Card, Center, Group, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';

/** A page without anything around it: who looks at it is not known yet. */
export function Alone({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Center component="main" mih="100vh" p="lg">
      <Card withBorder bg="var(--card)" padding="xl" w={420}>
        <Stack>
          <Group gap={10} wrap="nowrap">
            <img src="/icon.svg" width={26} height={26} alt="" />
            <Text fw={650} size="lg">
              Consign
            </Text>
          </Group>
          <Title order={1} size="h3">
            {title}
          </Title>
          {children}
        </Stack>
      </Card>
    </Center>
  );
}
