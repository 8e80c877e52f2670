import { Paper, Stack, Text, ThemeIcon, Title } from '@mantine/core';
import type { Icon } from '@tabler/icons-react';
import type { ReactNode } from 'react';

interface Props {
  icon: Icon;
  title: string;
  /** What to do first. */
  children: ReactNode;
  action?: ReactNode;
}

/** A page or list with nothing in it: says what to do first. */
export function Empty({ icon: Shape, title, children, action }: Props) {
  return (
    <Paper withBorder p="xl" bg="var(--card)">
      <Stack align="center" gap="sm" py="lg">
        <ThemeIcon variant="light" size={48} radius="xl">
          <Shape size={26} stroke={1.6} aria-hidden />
        </ThemeIcon>
        <Title order={2} size="h4">
          {title}
        </Title>
        <Text c="dimmed" ta="center" maw={460} size="sm">
          {children}
        </Text>
        {action}
      </Stack>
    </Paper>
  );
}
