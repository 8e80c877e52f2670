import { Alert, Button, Stack, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { Refused } from '../api/client';
import { ProblemList } from './ProblemList';
import { Words } from './Words';

/** A sentence as it stands at the beginning of a line. */
export const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** Why something could not be done, and what to do. */
export function Failure({ error, title, retry }: { error: unknown; title: string; retry?: () => void }) {
  const detail = error instanceof Error ? error.message : String(error);
  return (
    <Alert color="red" variant="light" icon={<IconAlertTriangle aria-hidden />} title={title} role="alert">
      <Stack gap="xs" align="flex-start">
        <Text size="sm"><Words text={sentence(detail)} /></Text>
        {error instanceof Refused && <ProblemList problems={error.problems} />}
        {retry && (
          <Button size="xs" variant="default" onClick={retry}>
            Try again
          </Button>
        )}
      </Stack>
    </Alert>
  );
}
