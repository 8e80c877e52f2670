import { Button, Card, Group, SegmentedControl, Stack, TextInput, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { api, ask, Refused } from '../../api/client';
import { textAt } from '../../api/problems';
import { Failure, PageHeader, TextLink } from '../../components';
import { elsewhere } from '../problems';
import { Remove } from '../Remove';
import { useLeaving } from '../useLeaving';
import { Pairs } from './Pairs';
import { sourcesQuery } from './queries';
import { editOf, newSource, type Source, type SourceEdit, sourceOf } from './source';
import { SourceTest } from './SourceTest';
import { TableRows } from './TableRows';

/** A source: one that there is, with its tag, or a new one. */
export function SourceForm({ saved }: { saved?: { source: Source; tag: string } }) {
  const [id, setId] = useState(saved?.source.id ?? '');
  const [edit, setEdit] = useState(() => (saved ? editOf(saved.source) : newSource()));
  const [changed, setChanged] = useState(false);
  const queries = useQueryClient();
  const navigate = useNavigate();
  const leave = useLeaving(changed);
  const done = async () => {
    setChanged(false);
    leave();
    // Forgotten, not refreshed: a table that went with its source must not be asked for again.
    queries.removeQueries({ queryKey: ['tables'] });
    queries.removeQueries({ queryKey: sourcesQuery.queryKey, exact: true });
    await navigate({ to: '/sources' });
  };
  const save = useMutation({
    mutationFn: () => {
      const header = saved ? { 'If-Match': saved.tag } : { 'If-None-Match': '*' };
      return ask(api.PUT('/sources/{source}', { params: { path: { source: id }, header }, body: sourceOf(edit, id) }));
    },
    onSuccess: () => {
      notifications.show({ color: 'teal', message: `${id} is connected.` });
      return done();
    },
  });
  const remove = async () => {
    if (!saved) return;
    const params = { path: { source: id }, header: { 'If-Match': saved.tag } };
    await ask(api.DELETE('/sources/{source}', { params }));
    await done();
  };
  const problems = save.error instanceof Refused ? save.error.problems : [];
  const put = (change: Partial<SourceEdit>) => {
    setEdit((now) => ({ ...now, ...change }));
    setChanged(true);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form onSubmit={submit} noValidate>
      <PageHeader
        title={saved ? saved.source.id : 'New source'}
        actions={
          <>
            {saved && (
              <Remove
                name={saved.source.id}
                consequence="Its tables can no longer be used here. The files and the database stay as they are."
                usedBy={[]}
                remove={remove}
              />
            )}
            <Button type="submit" loading={save.isPending} disabled={id.trim() === '' || (saved !== undefined && !changed)}>
              {saved ? 'Save' : 'Connect'}
            </Button>
          </>
        }
      >
        <TextLink to="/sources">All sources</TextLink>
      </PageHeader>
      <Stack gap="md">
        {save.error && <Failure title="It is not saved" error={elsewhere(save.error, ['id', 'connection', 'tables'])} />}
        <Card withBorder padding="lg" bg="var(--card)" component="section">
          <Title order={2} size="h4" mb="md">
            Connection
          </Title>
          <Stack>
            {!saved && (
              <TextInput label="Id" description="Fixed once it is made" withAsterisk w={320} value={id} spellCheck={false}
                onChange={(event) => {
                  setId(event.currentTarget.value);
                  setChanged(true);
                }} error={textAt(problems, 'id')} />
            )}
            <SegmentedControl
              aria-label="Sort of source"
              style={{ alignSelf: 'flex-start' }}
              data={[
                { value: 'files', label: 'Files' },
                { value: 'postgres', label: 'Postgres' },
              ]}
              value={edit.sort}
              onChange={(sort) => put({ sort: sort as SourceEdit['sort'] })}
            />
            {edit.sort === 'files' ? <Files edit={edit} put={put} problems={problems} /> : <Postgres edit={edit} put={put} problems={problems} />}
          </Stack>
        </Card>
        <Card withBorder padding="lg" bg="var(--card)" component="section">
          <Title order={2} size="h4" mb="md">
            Tables
          </Title>
          <TableRows sort={edit.sort} value={edit.tables} onChange={(tables) => put({ tables })} problems={problems} />
        </Card>
        <SourceTest source={sourceOf(edit, id || 'new')} />
      </Stack>
    </form>
  );
}

interface PartProps {
  edit: SourceEdit;
  put: (change: Partial<SourceEdit>) => void;
  problems: Parameters<typeof textAt>[0];
}

function Files({ edit, put, problems }: PartProps) {
  const at = 'connection.files';
  return (
    <>
      <TextInput label="Folder" description="On this machine, relative to the definitions, or s3://bucket/prefix, gs://…, azure://…" withAsterisk
        value={edit.url} spellCheck={false} onChange={(event) => put({ url: event.currentTarget.value })} error={textAt(problems, `${at}.url`)} />
      {edit.url.includes('://') && (
        <>
          <Pairs title="Options" description="Settings of the object store, such as region and endpoint" placeholder="eu-central-1"
            value={edit.options} onChange={(options) => put({ options })} problems={problems} path={`${at}.options`} />
          <Pairs title="Credentials" description="Such as access_key_id. Say where each is kept, never the secret itself."
            placeholder="env:NAME, file:PATH or stored:NAME" value={edit.credentials}
            onChange={(credentials) => put({ credentials })} problems={problems} path={`${at}.credentials`} />
        </>
      )}
    </>
  );
}

function Postgres({ edit, put, problems }: PartProps) {
  const at = 'connection.postgres';
  return (
    <Group align="flex-start" grow>
      <TextInput label="Address" description="Where postgres://user:password@host/database is kept" withAsterisk
        placeholder="env:NAME, file:PATH or stored:NAME" value={edit.address} spellCheck={false}
        onChange={(event) => put({ address: event.currentTarget.value })} error={textAt(problems, `${at}.url`)} />
      <TextInput label="Schema" description="Of relations that name none" value={edit.schema} spellCheck={false}
        onChange={(event) => put({ schema: event.currentTarget.value })} error={textAt(problems, `${at}.schema`)} />
    </Group>
  );
}
