import { Button, Card, Group, MultiSelect, Stack, Text, TextInput, Title } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import type { Problem, Schemas } from '../../api/client';
import { textAt } from '../../api/problems';

type Notification = Schemas['Notification'];
type Occasion = Schemas['Occasion'];

const OCCASIONS: { value: Occasion; label: string }[] = [
  { value: 'failed', label: 'a run failed' },
  { value: 'partial', label: 'a run arrived in part' },
  { value: 'late', label: 'a run was late' },
  { value: 'succeeded', label: 'a run succeeded' },
];

interface Props {
  value: Notification[];
  onChange: (value: Notification[]) => void;
  problems: Problem[];
}

/** Who is told how runs end. */
export function NotificationList({ value, onChange, problems }: Props) {
  const put = (at: number, change: Partial<Notification>) =>
    onChange(value.map((one, index) => (index === at ? { ...one, ...change } : one)));
  const add = () =>
    onChange([...value, { id: `webhook_${value.length + 1}`, on: ['failed', 'partial', 'late'], webhook: { url: '', secret: '' } }]);
  return (
    <Card withBorder padding="lg" bg="var(--card)" component="section">
      <Group justify="space-between" mb="md">
        <Title order={2} size="h4">
          Notifications
        </Title>
        <Button variant="light" size="xs" leftSection={<IconPlus size={16} aria-hidden />} onClick={add}>
          Add webhook
        </Button>
      </Group>
      {value.length === 0 && (
        <Text size="sm" c="dimmed">
          Nobody is told how runs end.
        </Text>
      )}
      <Stack gap="lg">
        {value.map((one, at) => (
          <Stack key={at} gap="xs" component="fieldset" m={0} p={0} style={{ border: 0 }}>
            <legend className="sr-only">{one.id}</legend>
            <Group align="flex-start" grow>
              <TextInput
                label="Id"
                value={one.id}
                onChange={(event) => put(at, { id: event.currentTarget.value })}
                error={textAt(problems, `notifications[${at}].id`)}
              />
              <TextInput
                label="Address"
                placeholder="https://"
                value={one.webhook.url}
                onChange={(event) => put(at, { webhook: { ...one.webhook, url: event.currentTarget.value } })}
                error={textAt(problems, `notifications[${at}].webhook.url`)}
              />
              <TextInput
                label="Secret that signs it"
                placeholder="env:NAME, file:PATH or stored:NAME"
                value={one.webhook.secret}
                onChange={(event) => put(at, { webhook: { ...one.webhook, secret: event.currentTarget.value } })}
                error={textAt(problems, `notifications[${at}].webhook.secret`)}
              />
            </Group>
            <Group align="flex-end" justify="space-between">
              <MultiSelect
                label="When"
                miw={420}
                data={OCCASIONS}
                value={one.on ?? []}
                onChange={(on) => put(at, { on: on as Occasion[] })}
                error={textAt(problems, `notifications[${at}].on`)}
              />
              <Button variant="subtle" color="red" onClick={() => onChange(value.filter((_, index) => index !== at))} aria-label={`Remove ${one.id}`}>
                Remove
              </Button>
            </Group>
          </Stack>
        ))}
      </Stack>
    </Card>
  );
}
