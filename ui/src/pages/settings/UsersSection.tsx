import { Button, Group, Modal, Paper, PasswordInput, Select, Stack, Table, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { IconPlus } from '@tabler/icons-react';
import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { all, api, ask, type Schemas } from '../../api/client';
import { Failure, Loading, When } from '../../components';
import { sentence } from '../../components/Failure';
import { SHORTEST } from '../../session/Forms';
import { meQuery, type Role, ROLES } from '../../session/session';
import { Remove } from '../Remove';

type User = Schemas['User'];

const usersQuery = queryOptions({
  queryKey: ['users'],
  queryFn: () => all((cursor) => api.GET('/users', { params: { query: { cursor, limit: 500 } } })),
});

const roles = ROLES.map(({ value, label, may }) => ({ value, label: `${label}: ${may}` }));

/** Who may log in, and what each may do. */
export default function UsersSection() {
  const users = useQuery(usersQuery);
  const [adding, { open, close }] = useDisclosure(false);
  return (
    <>
      <Group justify="space-between" mb="md">
        <Text size="sm" c="dimmed">
          Who may log in. Each role may also do what those before it may.
        </Text>
        <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={open}>
          Add user
        </Button>
      </Group>
      {users.isPending && <Loading what="users" />}
      {users.isError && <Failure title="The users cannot be shown" error={users.error} retry={() => void users.refetch()} />}
      {users.data && (
        <Paper withBorder bg="var(--card)">
          <Table aria-label="Users">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Name</Table.Th>
                <Table.Th>Role</Table.Th>
                <Table.Th>Added</Table.Th>
                <Table.Th aria-label="Actions" />
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {users.data.map((user) => (
                <Row key={user.id} user={user} />
              ))}
            </Table.Tbody>
          </Table>
        </Paper>
      )}
      <Modal opened={adding} onClose={close} title="Add a user">
        <AddUser close={close} />
      </Modal>
    </>
  );
}

function Row({ user }: { user: User }) {
  const queries = useQueryClient();
  const { data: me } = useQuery(meQuery);
  const [asked, { open, close }] = useDisclosure(false);
  const path = { path: { user: user.id } };
  const change = useMutation({
    mutationFn: (body: { role?: Role; disabled?: boolean; password?: string }) =>
      ask(api.POST('/users/{user}', { params: path, body: { role: null, disabled: null, password: null, ...body } })),
    onSuccess: (_, { password }) => {
      if (password) notifications.show({ color: 'teal', message: `${user.name} has a new password.` });
      close();
      return queries.invalidateQueries({ queryKey: usersQuery.queryKey });
    },
    onError: (error) =>
      notifications.show({ color: 'red', title: `${user.name} is not changed`, message: sentence(error.message), autoClose: false }),
  });
  return (
    <Table.Tr>
      <Table.Td>
        {user.name}
        {user.disabled && (
          <Text size="xs" c="dimmed">
            may not log in
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        <Select
          aria-label={`Role of ${user.name}`}
          size="xs"
          w={130}
          allowDeselect={false}
          data={ROLES.map(({ value, label }) => ({ value, label }))}
          value={user.role}
          onChange={(role) => role && change.mutate({ role: role as Role })}
        />
      </Table.Td>
      <Table.Td>
        <When at={user.created_at} />
      </Table.Td>
      <Table.Td>
        {user.id !== me?.id && (
          <Group gap={4} justify="flex-end" wrap="nowrap">
            <Button variant="subtle" size="compact-sm" onClick={open}>
              New password
            </Button>
            <Button variant="subtle" size="compact-sm" onClick={() => change.mutate({ disabled: !user.disabled })}>
              {user.disabled ? 'Let in again' : 'Disable'}
            </Button>
            <Remove
              name={user.name}
              consequence="They cannot log in any more, and their tokens are removed. What they did stays in the audit log."
              usedBy={[]}
              remove={async () => {
                await ask(api.DELETE('/users/{user}', { params: path }));
                await queries.invalidateQueries({ queryKey: usersQuery.queryKey });
              }}
            />
          </Group>
        )}
        <Modal opened={asked} onClose={close} title={`A new password for ${user.name}`}>
          <NewPassword save={(password) => change.mutate({ password })} saving={change.isPending} />
        </Modal>
      </Table.Td>
    </Table.Tr>
  );
}

function NewPassword({ save, saving }: { save: (password: string) => void; saving: boolean }) {
  const [password, setPassword] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save(password);
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <Text size="sm">They are logged out everywhere, and log in again with it.</Text>
        <Password value={password} onChange={setPassword} />
        <Button type="submit" loading={saving} disabled={password.length < SHORTEST}>
          Set the password
        </Button>
      </Stack>
    </form>
  );
}

function Password({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  return (
    <PasswordInput
      label="Password"
      description={`At least ${SHORTEST} characters. Hand it over yourself; they can change it.`}
      autoComplete="new-password"
      required
      visibilityToggleButtonProps={{ 'aria-label': 'Show the password' }}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

function AddUser({ close }: { close: () => void }) {
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const [password, setPassword] = useState('');
  const queries = useQueryClient();
  const add = useMutation({
    mutationFn: () => ask(api.POST('/users', { body: { name, role, password } })),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: usersQuery.queryKey });
      close();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {add.error && <Failure title="Nobody was added" error={add.error} />}
        <TextInput
          label="Name"
          description="An e-mail address or another name; they log in with it."
          autoComplete="off"
          required
          data-autofocus
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Select label="Role" allowDeselect={false} data={roles} value={role} onChange={(one) => one && setRole(one as Role)} />
        <Password value={password} onChange={setPassword} />
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button type="submit" loading={add.isPending} disabled={!name.trim() || password.length < SHORTEST}>
            Add
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
