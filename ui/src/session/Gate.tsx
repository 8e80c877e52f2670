import { Modal, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useSyncExternalStore } from 'react';
import { Refused } from '../api/client';
import { Failure, Loading } from '../components';
import { sentence } from '../components/Failure';
import { Alone } from './Alone';
import { LoginForm } from './Forms';
import { isOver, meQuery, watch } from './session';

/**
 * Shows the pages to who is logged in. The address stays, so that a login leads back; where a session ends while somebody
 * edits, they log in over the page, which loses nothing.
 */
export function Gate({ children }: { children: ReactNode }) {
  const me = useQuery(meQuery);
  const over = useSyncExternalStore(watch, isOver);
  if (me.data) {
    return (
      <>
        {children}
        <Modal opened={over} onClose={() => undefined} withCloseButton={false} title="Log in to go on" centered>
          <LoginForm>
            <Text size="sm">Your session is over. What is on the page stays, and is saved when you have logged in.</Text>
          </LoginForm>
        </Modal>
      </>
    );
  }
  if (me.error instanceof Refused && me.error.status === 401) {
    return (
      <Alone title="Log in">
        <LoginForm>{me.error.message.startsWith('nobody') && <Text size="sm">{sentence(me.error.message)}.</Text>}</LoginForm>
      </Alone>
    );
  }
  if (me.error) return <Failure title="The pages cannot be shown" error={me.error} retry={() => void me.refetch()} />;
  return <Loading what="the pages" />;
}
