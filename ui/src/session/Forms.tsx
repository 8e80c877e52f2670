import { Alert, Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useState } from 'react';
import { api, ask } from '../api/client';
import { sentence } from '../components/Failure';
import { begun, type Me, meQuery } from './session';

interface Props {
  /** What the button says. */
  action: string;
  /** What is said where it is refused. */
  refused: string;
  /** Asks the server. */
  enter: (name: string, password: string) => Promise<Me>;
  /** The least characters of a new password. */
  shortest?: number;
  done?: () => void;
  children?: ReactNode;
}

/** A name and a password, with which somebody begins a session. */
function Enter({ action, refused, enter, shortest, done, children }: Props) {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const queries = useQueryClient();
  const entering = useMutation({
    mutationFn: () => enter(name, password),
    onSuccess: (me) => {
      queries.setQueryData(meQuery.queryKey, me);
      begun();
      // What was refused is asked again; what is being edited is left alone.
      void queries.invalidateQueries({ predicate: (query) => query.state.status === 'error' });
      done?.();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    entering.mutate();
  };
  const short = shortest !== undefined && password.length > 0 && password.length < shortest;
  return (
    <form onSubmit={submit}>
      <Stack>
        {children}
        {entering.error && (
          <Alert color="red" variant="light" title={refused} role="alert">
            {sentence(entering.error.message)}
          </Alert>
        )}
        <TextInput
          label="Name"
          autoComplete="username"
          required
          data-autofocus
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <PasswordInput
          label="Password"
          autoComplete={shortest === undefined ? 'current-password' : 'new-password'}
          required
          description={shortest === undefined ? undefined : `At least ${shortest} characters.`}
          error={short ? `${shortest - password.length} more characters` : undefined}
          visibilityToggleButtonProps={{ 'aria-label': 'Show the password' }}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        <Button type="submit" loading={entering.isPending} disabled={!name.trim() || !password || short}>
          {action}
        </Button>
      </Stack>
    </form>
  );
}

export function LoginForm({ children }: { children?: ReactNode }) {
  return (
    <Enter
      action="Log in"
      refused="You are not logged in"
      enter={(name, password) => ask(api.POST('/login', { body: { name, password } }))}
    >
      {children}
    </Enter>
  );
}

/** The fewest characters of a password. */
export const SHORTEST = 12;

export function SetUpForm({ token, done }: { token: string; done: () => void }) {
  return (
    <Enter
      action="Make the first admin"
      refused="Nobody was added"
      shortest={SHORTEST}
      enter={(name, password) => ask(api.POST('/set-up', { body: { token, name, password } }))}
      done={done}
    />
  );
}
