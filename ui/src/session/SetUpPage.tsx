import { Text } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { TextLink } from '../components';
import { Alone } from './Alone';
import { SetUpForm } from './Forms';

/** Makes the first admin, for whoever has the link that the server said. */
export default function SetUpPage() {
  const navigate = useNavigate();
  // It is read once: it is gone from the address when one goes on.
  const [token] = useState(() => window.location.hash.slice(1));
  return (
    <Alone title="Set up">
      {token ? (
        <>
          <Text size="sm">Nobody can log in yet. The first user is an admin, and lets the others in.</Text>
          <SetUpForm token={token} done={() => void navigate({ to: '/campaigns', replace: true })} />
        </>
      ) : (
        <Text size="sm">
          The link is not whole: copy all of what `consign serve` said when it started. Or <TextLink to="/campaigns">log in</TextLink>.
        </Text>
      )}
    </Alone>
  );
}
