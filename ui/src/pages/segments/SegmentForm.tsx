import { Button, Card, Group, SegmentedControl, Stack, Text, Textarea, TextInput, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';

import { api, ask, Refused, type Schemas } from '../../api/client';
import { useCustomers } from '../../api/counts';
import { problemsAt, textAt } from '../../api/problems';
import { segmentsQuery } from '../../api/queries';
import { Count, Failure, PageHeader, TextLink } from '../../components';
import { ConditionBuilder } from '../../conditions/ConditionBuilder';
import { complete, type Condition } from '../../conditions/model';
import { idOf } from '../../ids';
import { elsewhere } from '../problems';
import { ReadOnly } from '../../session/ReadOnly';
import { useWhyNot } from '../../session/useMay';
import { Remove } from '../Remove';
import { useLeaving } from '../useLeaving';
import { CampaignLinks } from './CampaignLinks';
import { share } from './share';

type SegmentLine = Schemas['SegmentLine'];
type Sort = 'where' | 'sql';

/** A segment: one that there is, or a new one. */
export function SegmentForm({ line }: { line?: SegmentLine }) {
  const there = line?.segment;
  const [name, setName] = useState(there?.name ?? '');
  const [typedId, setTypedId] = useState<string | null>(null);
  const [sort, setSort] = useState<Sort>(there && 'sql' in there.customers ? 'sql' : 'where');
  // What was made in one way is kept while the other is looked at.
  const [where, setWhere] = useState<Condition>(
    there && 'where' in there.customers ? there.customers.where : { all: [{ column: '', operator: 'is' }] },
  );
  const [sql, setSql] = useState(there && 'sql' in there.customers ? there.customers.sql : '');
  const [changed, setChanged] = useState(false);
  const queries = useQueryClient();
  const navigate = useNavigate();
  const leave = useLeaving(changed);
  const whyNot = useWhyNot();
  const id = there?.id ?? typedId ?? idOf(name);
  const customers = sort === 'sql' ? { sql } : { where };
  const save = useMutation({
    mutationFn: () => {
      const header = line ? { 'If-Match': `"${line.tag}"` } : { 'If-None-Match': '*' };
      const body = { id, name: name.trim(), customers };
      return ask(api.PUT('/segments/{segment}', { params: { path: { segment: id }, header }, body }));
    },
    onSuccess: async (saved) => {
      setChanged(false);
      leave();
      await queries.invalidateQueries({ queryKey: segmentsQuery.queryKey });
      notifications.show({ color: 'teal', message: `${saved.name} is saved.` });
      await navigate({ to: '/segments/$segment', params: { segment: saved.id } });
    },
  });
  const remove = async ({ tag }: SegmentLine) => {
    const header = { 'If-Match': `"${tag}"` };
    await ask(api.DELETE('/segments/{segment}', { params: { path: { segment: id }, header } }));
    leave();
    await navigate({ to: '/segments' });
    await queries.invalidateQueries({ queryKey: segmentsQuery.queryKey });
  };
  const problems = save.error instanceof Refused ? save.error.problems : [];
  const edit = <T,>(set: (value: T) => void) => (value: T) => {
    set(value);
    setChanged(true);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  const countable = sort === 'sql' ? sql.trim() !== '' : complete(where);
  return (
    <form onSubmit={submit} noValidate>
      <PageHeader
        title={there?.name ?? 'New segment'}
        actions={
          <>
            {line && !whyNot('delete_segment') && (
              <Remove
                name={line.segment.name}
                consequence="Nobody can include or exclude it then. Customers stay as they are."
                usedBy={line.used_by}
                remove={() => remove(line)}
              />
            )}
            <Button type="submit" loading={save.isPending} disabled={!changed || name.trim() === '' || !!whyNot('put_segment')}>
              {line ? 'Save' : 'Make the segment'}
            </Button>
          </>
        }
      >
        <TextLink to="/segments">All segments</TextLink>
        {line && <UsedBy campaigns={line.used_by} />}
      </PageHeader>
      <ReadOnly unless="put_segment">
      <Stack gap="md">
        {save.error && <Failure title="It is not saved" error={elsewhere(save.error, ['name', 'id', 'customers'])} />}
        <Card withBorder padding="lg" bg="var(--card)">
          <Group align="flex-start" grow>
            <TextInput
              label="Name"
              withAsterisk
              value={name}
              error={textAt(problems, 'name')}
              onChange={(event) => edit(setName)(event.currentTarget.value)}
            />
            {!line && (
              <TextInput
                label="Id"
                withAsterisk
                description="Fixed once it is made."
                inputWrapperOrder={['label', 'input', 'description', 'error']}
                value={id}
                error={textAt(problems, 'id')}
                onChange={(event) => edit(setTypedId)(event.currentTarget.value)}
              />
            )}
          </Group>
        </Card>
        <Card withBorder padding="lg" bg="var(--card)" component="section">
          <Group justify="space-between" mb="md">
            <Group>
              <Title order={2} size="h4">
                Customers
              </Title>
              <SegmentedControl
                size="xs"
                aria-label="What the segment is made of"
                data={[
                  { value: 'where', label: 'Conditions' },
                  { value: 'sql', label: 'SQL' },
                ]}
                value={sort}
                onChange={(chosen) => edit(setSort)(chosen as Sort)}
              />
            </Group>
            <Total of={countable ? { segment: customers } : null} />
          </Group>
          {sort === 'where' ? (
            <ConditionBuilder
              value={where}
              onChange={edit(setWhere)}
              path="customers.where"
              problems={problemsAt(problems, 'customers.where')}
              {...(there && { without: there.id })}
            />
          ) : (
            <Textarea
              label="Query"
              description="One SELECT that returns the customer key as its only column; now() is when a run begins."
              placeholder="SELECT customer_id FROM Orders WHERE amount > 100"
              autosize
              minRows={8}
              spellCheck={false}
              styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
              value={sql}
              error={textAt(problems, 'customers.sql')}
              onChange={(event) => edit(setSql)(event.currentTarget.value)}
            />
          )}
        </Card>
      </Stack>
      </ReadOnly>
    </form>
  );
}

function Total({ of }: { of: Parameters<typeof useCustomers>[0] }) {
  const { customers, counting, error } = useCustomers(of);
  if (of === null) {
    return (
      <Text size="sm" c="dimmed">
        It is counted when it says enough
      </Text>
    );
  }
  if (error) {
    return (
      <Text size="sm" role="status" maw={520} ta="right">
        {error.message}
      </Text>
    );
  }
  return (
    <Text size="sm" component="div" role="status">
      <Count value={customers?.customers} counting={counting} fw={600} size="lg" /> customers
      {customers && (
        <Text span c="dimmed" size="sm">
          , {share(customers.customers, customers.all)} of all
        </Text>
      )}
    </Text>
  );
}

function UsedBy({ campaigns }: { campaigns: string[] }) {
  return campaigns.length === 0 ? (
    ' · used by no campaign'
  ) : (
    <>
      {' · used by '}
      <CampaignLinks campaigns={campaigns} />
    </>
  );
}
