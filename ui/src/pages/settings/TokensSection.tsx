import { Alert, Button, Code, CopyButton, Group, Modal, NumberInput, Paper, Select, Stack, Table, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconKey, IconPlus } from '@tabler/icons-react';
import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { all, api, ask, type Schemas } from '../../api/client';
import { Empty, Failure, Loading, When } from '../../components';
import { meQuery, type Role, ROLES } from '../../session/session';
import { Remove } from '../Remove';

type Token = Schemas['Token'];

const tokensQuery = queryOptions({
  queryKey: ['tokens'],
  queryFn: () => all((cursor) => api.GET('/tokens', { params: { query: { cursor, limit: 500 } } })),
});

/** What programs use the API with: one's own tokens, or all of them for an admin. */
export default function TokensSection() {
  const tokens = useQuery(tokensQuery);
  const [making, { open, close }] = useDisclosure(false);
  const make = (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={open}>
      New token
    </Button>
  );
  return (
    <>
      <Group justify="space-between" mb="md">
        <Text size="sm" c="dimmed">
          A program sends its token as <Code>Authorization: Bearer</Code>, and does what it does in your name.
        </Text>
        {make}
      </Group>
      {tokens.isPending && <Loading what="tokens" />}
      {tokens.isError && <Failure title="The tokens cannot be shown" error={tokens.error} retry={() => void tokens.refetch()} />}
      {tokens.data?.length === 0 && (
        <Empty icon={IconKey} title="No token yet">
          A token lets a program use the API, for example to run a campaign when your warehouse is ready. It may do what its
          role says, and no more than you may.
        </Empty>
      )}
      {tokens.data && tokens.data.length > 0 && (
        <Paper withBorder bg="var(--card)">
          <Table aria-label="API tokens">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Name</Table.Th>
                <Table.Th>User</Table.Th>
                <Table.Th>Role</Table.Th>
                <Table.Th>Last used</Table.Th>
                <Table.Th>Good until</Table.Th>
                <Table.Th aria-label="Actions" />
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {tokens.data.map((token) => (
                <Row key={token.id} token={token} />
              ))}
            </Table.Tbody>
          </Table>
        </Paper>
      )}
      <Modal opened={making} onClose={close} title="New API token">
        <NewToken close={close} />
      </Modal>
    </>
  );
}

function Row({ token }: { token: Token }) {
  const queries = useQueryClient();
  return (
    <Table.Tr>
      <Table.Td>{token.name}</Table.Td>
      <Table.Td>{token.owner}</Table.Td>
      <Table.Td>{token.role}</Table.Td>
      <Table.Td>{token.used_at ? <When at={token.used_at} /> : 'never'}</Table.Td>
      <Table.Td>{token.until ? <When at={token.until} /> : 'it is removed'}</Table.Td>
      <Table.Td ta="right">
        <Remove
          name={token.name}
          consequence="Programs that use it are refused from then on."
          usedBy={[]}
          remove={async () => {
            await ask(api.DELETE('/tokens/{token}', { params: { path: { token: token.id } } }));
            await queries.invalidateQueries({ queryKey: tokensQuery.queryKey });
          }}
        />
      </Table.Td>
    </Table.Tr>
  );
}

function NewToken({ close }: { close: () => void }) {
  const { data: me } = useQuery(meQuery);
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const [days, setDays] = useState<number | string>(90);
  const queries = useQueryClient();
  const make = useMutation({
    mutationFn: () => ask(api.POST('/tokens', { body: { name, role, days: typeof days === 'number' ? days : null } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: tokensQuery.queryKey }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  if (make.data) {
    const { secret } = make.data;
    return (
      <Stack>
        <Alert color="gray" variant="light" title="Copy it now: nobody is shown it again">
          <Text size="sm">Keep it where the program finds it, and not in a file that others read.</Text>
        </Alert>
        <Code block aria-label="The token" style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>
          {secret}
        </Code>
        <Group justify="flex-end">
          <CopyButton value={secret}>
            {({ copied, copy }) => (
              <Button variant="default" onClick={copy}>
                {copied ? 'Copied' : 'Copy'}
              </Button>
            )}
          </CopyButton>
          <Button onClick={close}>Done</Button>
        </Group>
      </Stack>
    );
  }
  const most = ROLES.findIndex(({ value }) => value === me?.role);
  return (
    <form onSubmit={submit}>
      <Stack>
        {make.error && <Failure title="No token was made" error={make.error} />}
        <TextInput
          label="Name"
          description="What it is for."
          required
          maxLength={100}
          data-autofocus
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Select
          label="Role"
          allowDeselect={false}
          data={ROLES.slice(0, most + 1).map(({ value, label, may }) => ({ value, label: `${label}: ${may}` }))}
          value={role}
          onChange={(one) => one && setRole(one as Role)}
        />
        <NumberInput
          label="Days that it is good"
          description="Empty: until it is removed."
          min={1}
          max={3650}
          allowDecimal={false}
          value={days}
          onChange={setDays}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button type="submit" loading={make.isPending} disabled={!name.trim()}>
            Make it
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
