import { Anchor, Badge, Button, Card, Group, List, Stack, Switch, Text, TextInput, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';

import { api, ask, Refused, type Schemas } from '../../api/client';
import { problemsAt, textAt } from '../../api/problems';
import { destinationsQuery, tablesQuery } from '../../api/queries';
import { Failure, PageHeader, TextLink, Words } from '../../components';
import { ConditionBuilder } from '../../conditions/ConditionBuilder';
import { idOf } from '../../ids';
import { elsewhere } from '../problems';
import { ReadOnly } from '../../session/ReadOnly';
import { useWhyNot } from '../../session/useMay';
import { Remove } from '../Remove';
import { columnsOf } from '../sources/columns';
import { useLeaving } from '../useLeaving';
import { SettingField } from './SettingField';
import { definitionOf, type FieldValue, formOf, inOrder, type KindSpec, newForm, shown } from './settings';
import { TestButton } from './TestButton';

/** A destination of a kind: one that there is, or a new one. */
export function DestinationForm({
  kind,
  detail,
  taken = [],
}: {
  kind: KindSpec;
  detail?: Schemas['DestinationDetail'];
  /** The ids that others have. */
  taken?: string[];
}) {
  const [form, setForm] = useState(() => (detail ? formOf(detail.destination) : newForm(kind, taken)));
  const [typedId, setTypedId] = useState<string | null>(null);
  const [changed, setChanged] = useState(false);
  const tables = useQuery(tablesQuery);
  const columns = columnsOf(tables.data ?? []);
  const queries = useQueryClient();
  const navigate = useNavigate();
  const leave = useLeaving(changed);
  const whyNot = useWhyNot();
  const id = detail?.destination.id ?? typedId ?? idOf(form.name);
  const save = useMutation({
    mutationFn: () => {
      const header = detail ? { 'If-Match': `"${detail.tag}"` } : { 'If-None-Match': '*' };
      const body = definitionOf(form, kind, id, detail?.destination);
      return ask(api.PUT('/destinations/{destination}', { params: { path: { destination: id }, header }, body }));
    },
    onSuccess: async (saved) => {
      setChanged(false);
      leave();
      await queries.invalidateQueries({ queryKey: destinationsQuery.queryKey });
      notifications.show({ color: 'teal', message: `${saved.name} is saved.` });
      await navigate({ to: '/destinations/$destination', params: { destination: saved.id } });
    },
  });
  const remove = async (tag: string) => {
    const header = { 'If-Match': `"${tag}"` };
    await ask(api.DELETE('/destinations/{destination}', { params: { path: { destination: id }, header } }));
    leave();
    await navigate({ to: '/destinations' });
    await queries.invalidateQueries({ queryKey: destinationsQuery.queryKey });
  };
  const problems = save.error instanceof Refused ? save.error.problems : [];
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
        error={textAt(problems, `${spec.secret ? 'credentials' : 'settings'}.${spec.name}`)}
        columns={columns}
        onChange={(value) => setField(spec.name, value)}
      />
    ));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  const known = ['name', 'id', 'consent', ...kind.settings.map(({ name, secret }) => `${secret ? 'credentials' : 'settings'}.${name}`)];
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md" maw={1080}>
        <PageHeader
          title={detail ? detail.destination.name : `New destination: ${kind.title}`}
          actions={
            <Group>
              {detail && !whyNot('delete_destination') && (
                <Remove
                  name={detail.destination.name}
                  consequence="Its settings are gone then. Lists that were delivered stay where they are."
                  usedBy={detail.used_by}
                  remove={() => remove(detail.tag)}
                />
              )}
              <Button type="submit" loading={save.isPending} disabled={(detail !== undefined && !changed) || !!whyNot('put_destination')}>
                {detail ? 'Save' : 'Add destination'}
              </Button>
            </Group>
          }
        >
          <TextLink to="/destinations">All destinations</TextLink> · <Words text={kind.description} />
        </PageHeader>
        {save.error && <Failure title="It is not saved" error={elsewhere(save.error, known)} />}
        <ReadOnly unless="put_destination">
        <Stack gap="md">
        <Card withBorder padding="lg" bg="var(--card)">
          <Stack>
            <TextInput
              label="Name"
              description="As campaigns show it."
              withAsterisk
              value={form.name}
              error={textAt(problems, 'name')}
              onChange={(event) => change({ name: event.currentTarget.value })}
            />
            {!detail && (
              <TextInput
                label="Id"
                description="Fixed once it is made; definitions and the command line name the destination by it."
                withAsterisk
                value={id}
                error={textAt(problems, 'id')}
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
        <Card withBorder padding="lg" bg="var(--card)" component="section">
          <Title order={2} size="h4" mb="md">
            Consent
          </Title>
          <Stack>
            <Switch
              label="Only who has consented is sent here"
              description="Whoever does not meet it is never sent to this destination, in no campaign, under nobody's key."
              checked={form.consent !== null}
              onChange={(event) =>
                change({ consent: event.currentTarget.checked ? { column: '', operator: 'is_true' } : null })
              }
            />
            {form.consent && (
              <ConditionBuilder
                value={form.consent}
                onChange={(consent) => change({ consent })}
                path="consent"
                problems={problemsAt(problems, 'consent')}
              />
            )}
          </Stack>
        </Card>
        </Stack>
        </ReadOnly>
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
        <Kind kind={kind} />
      </Stack>
    </form>
  );
}

/** What is known of the kind, for who wonders. */
function Kind({ kind }: { kind: KindSpec }) {
  return (
    <Card withBorder padding="lg" bg="var(--card)" component="section">
      <Title order={2} size="h4" mb="xs">
        About {kind.title}
      </Title>
      <Stack gap="xs">
        <Text size="sm" component="div">
          <Words text={kind.rules.summary} />
        </Text>
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
        {kind.unverified.length > 0 && (
          <details>
            <summary>
              <Anchor component="span" size="sm">
                What could not be verified without an account
              </Anchor>
            </summary>
            <List size="sm" mt="xs">
              {kind.unverified.map((one) => (
                <List.Item key={one}>
                  <Words text={one} />
                </List.Item>
              ))}
            </List>
          </details>
        )}
      </Stack>
    </Card>
  );
}
