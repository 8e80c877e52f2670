import { Button, Card, Group, MultiSelect, NumberInput, Select, Stack, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, ask, askTagged, Refused, type Schemas } from '../../api/client';
import { textAt } from '../../api/problems';
import { segmentsQuery, workspaceQuery } from '../../api/queries';
import { Failure, Loading } from '../../components';
import { ReadOnly } from '../../session/ReadOnly';
import { elsewhere } from '../problems';
import { linesQuery } from '../sources/queries';
import { useLeaving } from '../useLeaving';
import { NotificationList } from './NotificationList';

type Workspace = Schemas['Workspace'];

const ZONES = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')];
const FIELDS = ['time_zone', 'customer_table', 'retention_days', 'always_exclude', 'notifications'];

/** Time zone, who is never sent anything, how long personal data is kept, who is told. */
export default function WorkspaceSection() {
  const read = useQuery({
    queryKey: [...workspaceQuery.queryKey, 'tagged'],
    queryFn: () => askTagged(api.GET('/workspace')),
    // Never under the hands of who edits.
    staleTime: Infinity,
    gcTime: 0,
  });
  if (read.error) return <Failure title="The settings cannot be shown" error={read.error} retry={() => void read.refetch()} />;
  if (!read.data) return <Loading what="the settings" />;
  return (
    <ReadOnly unless="put_workspace">
      <Form key={read.data.tag} saved={read.data.data} tag={read.data.tag} again={() => void read.refetch()} />
    </ReadOnly>
  );
}

function Form({ saved, tag, again }: { saved: Workspace; tag: string; again: () => void }) {
  const [settings, setSettings] = useState(saved);
  const changed = JSON.stringify(settings) !== JSON.stringify(saved);
  const leave = useLeaving(changed);
  const queries = useQueryClient();
  const segments = useQuery(segmentsQuery);
  const tables = useQuery(linesQuery);
  const save = useMutation({
    mutationFn: () => ask(api.PUT('/workspace', { params: { header: { 'If-Match': tag } }, body: settings })),
    onSuccess: () => {
      leave();
      notifications.show({ color: 'teal', message: 'The settings are saved.' });
      void queries.invalidateQueries({ queryKey: workspaceQuery.queryKey });
      again();
    },
  });
  const problems = save.error instanceof Refused ? save.error.problems : [];
  const late = save.error instanceof Refused && save.error.status === 412;
  const edit = (change: Partial<Workspace>) => setSettings((now) => ({ ...now, ...change }));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  const one = (tables.data ?? []).filter((table) => table.rows_per_customer === 'one').map((table) => table.name);
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md" maw={860}>
        {save.error && (
          <Failure title="They are not saved" error={elsewhere(save.error, FIELDS)} {...(late && { retry: again })} />
        )}
        <Card withBorder padding="lg" bg="var(--card)" component="section">
          <Title order={2} size="h4" mb="md">
            Time and tables
          </Title>
          <Group align="flex-start" grow>
            <Select
              label="Time zone"
              description="In which days begin, and timestamps without a zone are read"
              searchable
              allowDeselect={false}
              data={ZONES}
              value={settings.time_zone}
              onChange={(zone) => zone && edit({ time_zone: zone })}
              error={textAt(problems, 'time_zone')}
            />
            <Select
              label="Customer table"
              description="The table that says who exists, one row a customer"
              allowDeselect={false}
              data={[...new Set([...one, settings.customer_table])]}
              value={settings.customer_table}
              onChange={(table) => table && edit({ customer_table: table })}
              error={textAt(problems, 'customer_table')}
            />
          </Group>
        </Card>
        <Card withBorder padding="lg" bg="var(--card)" component="section">
          <Title order={2} size="h4" mb="md">
            Protection
          </Title>
          <Stack>
            <MultiSelect
              label="Always excluded"
              description="Segments left out of every campaign: legal suppression, staff, test accounts"
              searchable
              data={(segments.data ?? []).map(({ segment }) => ({ value: segment.id, label: segment.name }))}
              value={settings.always_exclude}
              onChange={(always_exclude) => edit({ always_exclude })}
              error={textAt(problems, 'always_exclude')}
            />
            <NumberInput
              label="Days that staged personal data is kept"
              description="After its run has ended. Counts, and recipients by customer key, stay."
              w={320}
              min={1}
              allowDecimal={false}
              value={settings.retention_days}
              onChange={(days) => typeof days === 'number' && edit({ retention_days: days })}
              error={textAt(problems, 'retention_days')}
            />
          </Stack>
        </Card>
        <NotificationList
          value={settings.notifications ?? []}
          onChange={(list) => edit({ notifications: list })}
          problems={problems}
        />
        <Group justify="flex-end">
          <Button variant="default" disabled={!changed} onClick={() => setSettings(saved)}>
            Discard
          </Button>
          <Button type="submit" loading={save.isPending} disabled={!changed}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
