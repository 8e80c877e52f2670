import { ActionIcon, Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { IconPlus, IconX } from '@tabler/icons-react';
import type { Problem } from '../../api/client';
import { textAt } from '../../api/problems';

export type Pair = [name: string, value: string];

interface Props {
  title: string;
  description: string;
  /** What a value looks like. */
  placeholder: string;
  value: Pair[];
  onChange: (pairs: Pair[]) => void;
  problems: Problem[];
  /** Where they are in the source, for problems. */
  path: string;
}

/** Names with a value each, such as settings of an object store. */
export function Pairs({ title, description, placeholder, value, onChange, problems, path }: Props) {
  const put = (at: number, pair: Pair) => onChange(value.map((one, index) => (index === at ? pair : one)));
  return (
    <Stack gap="xs" component="fieldset" m={0} p={0} style={{ border: 0 }}>
      <Text component="legend" size="sm" fw={500} p={0}>
        {title}
      </Text>
      <Text size="xs" c="dimmed">
        {description}
      </Text>
      {value.map(([name, text], at) => (
        <Group key={at} gap="xs" align="flex-start">
          <TextInput aria-label={`${title}: name`} placeholder="name" w={200} value={name} spellCheck={false}
            onChange={(event) => put(at, [event.currentTarget.value, text])} />
          <TextInput aria-label={`${title}: value of ${name}`} placeholder={placeholder} style={{ flex: 1 }} value={text} spellCheck={false}
            onChange={(event) => put(at, [name, event.currentTarget.value])} error={textAt(problems, `${path}.${name}`)} />
          <ActionIcon color="gray" size="lg" aria-label={`Remove ${name || 'the empty line'}`}
            onClick={() => onChange(value.filter((_, index) => index !== at))}>
            <IconX size={16} aria-hidden />
          </ActionIcon>
        </Group>
      ))}
      <Button variant="subtle" size="compact-sm" w="max-content" leftSection={<IconPlus size={14} aria-hidden />}
        onClick={() => onChange([...value, ['', '']])}>
        Add one
      </Button>
    </Stack>
  );
}
