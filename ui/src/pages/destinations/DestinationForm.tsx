import { Alert, Anchor, Badge, Button, Card, Group, List, Stack, Switch, Text, TextInput, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';

import { api, ask, type Schemas } from '../../api/client';
import { destinationsQuery, tablesQuery } from '../../api/queries';
import { Failure, PageHeader } from '../../components';
import { columnsOf } from '../sources/columns';
import { byPath, elsewhere } from './problems';
import { RemoveDestination } from './RemoveDestination';
import { SettingField } from './SettingField';
import { definitionOf, type FieldValue, formOf, idOf, inOrder, type KindSpec, newForm, shown } from './settings';
import { TestButton } from './TestButton';

/** A destination of a kind: one that there is, or a new one. */
export function DestinationForm({ kind, detail }: { kind: KindSpec; detail?: Schemas['DestinationDetail'] }) {
  const [form, setForm] = useState(() => (detail ? formOf(detail.destination) : newForm(kind)));
  const [typedId, setTypedId] = useState<string | null>(null);
  const [changed, setChanged] = useState(false);
  const tables = useQuery(tablesQuery);
  const columns = columnsOf(tables.data ?? []);
  const queries = useQueryClient();
  const navigate = useNavigate();
  const id = detail?.destination.id ?? typedId ?? idOf(form.name);
  const save = useMutation({
    mutationFn: () => {
      const header = detail ? { 'If-Match': `"${detail.tag}"` } : { 'If-None-Match': '*' };
      const body = definitionOf(form, kind, id, detail?.destination);
      return ask(api.PUT('/destinations/{destination}', { params: { path: { destination: id }, header }, body }));
    },
    onSuccess: async (saved) => {
      setChanged(false);
      await queries.invalidateQueries({ queryKey: destinationsQuery.queryKey });
      notifications.show({ color: 'teal', message: `${saved.name} is saved.` });
      await navigate({ to: '/destinations/$destination', params: { destination: saved.id } });
    },
  });
  const problems = byPath(save.error);
  const change = (change: Partial<typeof form>) => {
    setForm((before) => ({ ...before, ...change }));
    setChanged(true);
  };
  const setField = (name: string, value: FieldValue) => change({ fields: { ...form.fields, [name]: value } });
  const { needed, more } = inOrder(kind);
  const fields = (specs: typeof needed) =>
    specs.map((spec) => (
      <SettingField
        key={spec.name}
        spec={spec}
        value={shown(spec, form)}
        error={problems.get(`${spec.secret ? 'credentials' : 'settings'}.${spec.name}`)}
        columns={columns}
        onChange={(value) => setField(spec.name, value)}
      />
    ));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  const known = ['name', 'id', ...kind.settings.map(({ name, secret }) => `${secret ? 'credentials' : 'settings'}.${name}`)];
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md" maw={1080}>
        <PageHeader
          title={detail ? detail.destination.name : `New destination: ${kind.title}`}
          actions={
            <Group>
              {detail && <RemoveDestination detail={detail} />}
              <Button type="submit" loading={save.isPending} disabled={detail !== undefined && !changed}>
                {detail ? 'Save' : 'Add destination'}
              </Button>
            </Group>
          }
        >
          <Link to="/destinations">Destinations</Link> · {kind.description}
        </PageHeader>
        {save.error && <Failure title="It is not saved" error={elsewhere(save.error, known)} />}
        <Card withBorder padding="lg" bg="var(--card)">
          <Stack>
            <TextInput
              label="Name"
              description="As campaigns show it."
              withAsterisk
              value={form.name}
              error={problems.get('name')}
              onChange={(event) => change({ name: event.currentTarget.value })}
            />
            {!detail && (
              <TextInput
                label="Id"
                description="Fixed once it is made; definitions and the command line name the destination by it."
                withAsterisk
                value={id}
                error={problems.get('id')}
                onChange={(event) => setTypedId(event.currentTarget.value)}
              />
            )}
            {!kind.writes_files && (
              <Switch
                label="Rehearse in the sandbox"
                description="Lists go to the sandbox of this machine instead of the platform, so no credential is needed."
                checked={form.sandbox}
                onChange={(event) => change({ sandbox: event.currentTarget.checked })}
              />
            )}
          </Stack>
        </Card>
        {needed.length > 0 && (
          <Card withBorder padding="lg" bg="var(--card)" component="section">
            <Title order={2} size="h4" mb="md">
              Account
            </Title>
            <Stack>{fields(needed)}</Stack>
          </Card>
        )}
        {more.length > 0 && (
          <Card withBorder padding="lg" bg="var(--card)" component="section">
            <Title order={2} size="h4">
              Settings
            </Title>
            <Text size="sm" c="dimmed" mb="md">
              What is left empty is as shown.
            </Text>
            <Stack>{fields(more)}</Stack>
          </Card>
        )}
        {detail && (
          <Card withBorder padding="lg" bg="var(--card)" component="section">
            <Title order={2} size="h4" mb="md">
              Connection
            </Title>
            <TestButton destination={id} name={form.name} disabled={changed} />
            {changed && (
              <Text size="sm" c="dimmed" mt="xs">
                Save first: what is tested is what is saved.
              </Text>
            )}
          </Card>
        )}
        <Kind kind={kind} detail={detail} />
      </Stack>
    </form>
  );
}

/** What is known of the kind, for who wonders. */
function Kind({ kind, detail }: { kind: KindSpec; detail: Schemas['DestinationDetail'] | undefined }) {
  return (
    <Card withBorder padding="lg" bg="var(--card)" component="section">
      <Title order={2} size="h4" mb="xs">
        About {kind.title}
      </Title>
      <Stack gap="xs">
        <Text size="sm">{kind.rules.summary}</Text>
        {kind.memberships.length > 0 && (
          <Group gap="xs">
            <Text size="sm">Each {kind.list.noun} can be kept by:</Text>
            {kind.memberships.map((membership, at) => (
              <Badge key={membership} variant="light" tt="none">
                {membership}
                {at === 0 && ' (unless chosen)'}
              </Badge>
            ))}
          </Group>
        )}
        {detail?.destination.consent && (
          <Alert color="blue" variant="light">
            This destination has a consent rule: who does not meet it is never sent here. It stays as it is.
          </Alert>
        )}
        {kind.unverified.length > 0 && (
          <details>
            <summary>
              <Anchor component="span" size="sm">
                What could not be verified without an account
              </Anchor>
            </summary>
            <List size="sm" mt="xs">
              {kind.unverified.map((one) => (
                <List.Item key={one}>{one}</List.Item>
              ))}
            </List>
          </details>
        )}
      </Stack>
    </Card>
  );
}
