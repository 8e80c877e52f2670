import { Button, Card, Group, MultiSelect, Stack, TagsInput, Text, TextInput, Title } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import type { Problem, Schemas } from '../../api/client';
import { textAt } from '../../api/problems';

type Notification = Schemas['Notification'];
type Occasion = Schemas['Occasion'];
type Webhook = Schemas['Webhook'];
type Email = Schemas['Email'];

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
  const put = (at: number, change: object) =>
    onChange(value.map((one, index) => (index === at ? { ...one, ...change } : one)));
  const add = (id: string, how: { webhook: Webhook } | { email: Email }) =>
    onChange([...value, { id: `${id}_${value.length + 1}`, on: ['failed', 'partial', 'late'], ...how }]);
  return (
    <Card withBorder padding="lg" bg="var(--card)" component="section">
      <Group justify="space-between" mb="md">
        <Title order={2} size="h4">
          Notifications
        </Title>
        <Group gap="xs">
          <Button variant="light" size="xs" leftSection={<IconPlus size={16} aria-hidden />} onClick={() => add('webhook', { webhook: { url: '', secret: '' } })}>
            Add webhook
          </Button>
          <Button variant="light" size="xs" leftSection={<IconPlus size={16} aria-hidden />} onClick={() => add('email', { email: { host: '', tls: 'starttls', from: '', to: [] } })}>
            Add e-mail
          </Button>
        </Group>
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
              {'webhook' in one ? (
                <WebhookFields value={one.webhook} onChange={(webhook) => put(at, { webhook })} problems={problems} path={`notifications[${at}].webhook`} />
              ) : (
                <EmailFields value={one.email} onChange={(email) => put(at, { email })} problems={problems} path={`notifications[${at}].email`} />
              )}
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

interface FieldsProps<T> {
  value: T;
  onChange: (value: T) => void;
  problems: Problem[];
  path: string;
}

function WebhookFields({ value, onChange, problems, path }: FieldsProps<Webhook>) {
  return (
    <>
      <TextInput
        label="Address"
        placeholder="https://"
        value={value.url}
        onChange={(event) => onChange({ ...value, url: event.currentTarget.value })}
        error={textAt(problems, `${path}.url`)}
      />
      <TextInput
        label="Secret that signs it"
        placeholder="env:NAME, file:PATH or stored:NAME"
        value={value.secret}
        onChange={(event) => onChange({ ...value, secret: event.currentTarget.value })}
        error={textAt(problems, `${path}.secret`)}
      />
    </>
  );
}

/** Port, encryption and login of a mail server stay as definition files say them. */
function EmailFields({ value, onChange, problems, path }: FieldsProps<Email>) {
  return (
    <>
      <TextInput
        label="Mail server"
        value={value.host}
        onChange={(event) => onChange({ ...value, host: event.currentTarget.value })}
        error={['host', 'port', 'tls', 'login'].map((field) => textAt(problems, `${path}.${field}`)).find(Boolean)}
      />
      <TextInput
        label="From"
        value={value.from}
        onChange={(event) => onChange({ ...value, from: event.currentTarget.value })}
        error={textAt(problems, `${path}.from`)}
      />
      <TagsInput label="To" value={value.to} onChange={(to) => onChange({ ...value, to })} error={textAt(problems, `${path}.to`)} />
    </>
  );
}
