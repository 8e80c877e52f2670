import { Badge, Group, Paper, Stack, ThemeIcon, Title } from '@mantine/core';
import { IconCheck } from '@tabler/icons-react';
import type { ReactNode } from 'react';

interface Props {
  number: number;
  title: string;
  /** How many problems it has. */
  problems: number;
  /** At the right of the title. */
  aside?: ReactNode;
  children: ReactNode;
}

/** A numbered step, with a tick when nothing in it is wrong. */
export function Step({ number, title, problems, aside, children }: Props) {
  const valid = problems === 0;
  return (
    <Paper withBorder p="md" bg="var(--card)" component="section" aria-labelledby={`step-${number}`}>
      <Stack gap="md">
        <Group justify="space-between">
          <Group gap="sm">
            <ThemeIcon radius="xl" size={28} variant={valid ? 'filled' : 'light'} color={valid ? 'tide' : 'gray'}>
              {valid ? <IconCheck size={16} aria-label="valid" /> : number}
            </ThemeIcon>
            <Title order={2} size="h4" id={`step-${number}`}>
              {title}
            </Title>
            {!valid && (
              <Badge color="red" variant="light" tt="none">
                {problems === 1 ? '1 problem' : `${problems} problems`}
              </Badge>
            )}
          </Group>
          {aside}
        </Group>
        {children}
      </Stack>
    </Paper>
  );
}
