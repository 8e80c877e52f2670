import { Button, Card, PasswordInput, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api, ask } from '../../api/client';
import { Failure } from '../../components';
import { SHORTEST } from '../../session/Forms';
import { meQuery } from '../../session/session';

/** Who one is, and one's password. */
export default function AccountSection() {
  const { data: me } = useQuery(meQuery);
  const [current, setCurrent] = useState('');
  const [fresh, setFresh] = useState('');
  const change = useMutation({
    mutationFn: () => ask(api.POST('/me/password', { body: { current, new: fresh } })),
    onSuccess: () => {
      setCurrent('');
      setFresh('');
      notifications.show({ color: 'teal', message: 'Your password is changed. You are logged out everywhere else.' });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate();
  };
  const show = { 'aria-label': 'Show the password' };
  return (
    <>
      <Text size="sm" mb="md">
        You are {me?.name}, {me?.role}.
      </Text>
      <Card withBorder bg="var(--card)" padding="lg" maw={480}>
        <form onSubmit={submit}>
          <Stack>
            {change.error && <Failure title="Your password is not changed" error={change.error} />}
            <PasswordInput
              label="Current password"
              autoComplete="current-password"
              required
              visibilityToggleButtonProps={show}
              value={current}
              onChange={(event) => setCurrent(event.currentTarget.value)}
            />
            <PasswordInput
              label="New password"
              description={`At least ${SHORTEST} characters.`}
              autoComplete="new-password"
              required
              visibilityToggleButtonProps={show}
              value={fresh}
              onChange={(event) => setFresh(event.currentTarget.value)}
            />
            <Button type="submit" loading={change.isPending} disabled={!current || fresh.length < SHORTEST}>
              Change the password
            </Button>
          </Stack>
        </form>
      </Card>
    </>
  );
}
