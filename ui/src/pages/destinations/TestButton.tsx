import { Button, Group, List, Stack, Text, ThemeIcon } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { IconCheck, IconX } from '@tabler/icons-react';

import { api, ask, type Schemas } from '../../api/client';
import { Failure, Words } from '../../components';
import { sentence } from '../../components/Failure';
import { useWhyNot } from '../../session/useMay';

/** Connects to a saved destination and says what was tried and what failed. */
export function TestButton({ destination, name, disabled }: { destination: string; name: string; disabled?: boolean }) {
  const test = useMutation({
    mutationFn: () => ask(api.POST('/destinations/{destination}/test', { params: { path: { destination } } })),
  });
  const whyNot = useWhyNot()('test_destination');
  return (
    <Stack gap="xs">
      <Group>
        <Button
          variant="default"
          size="xs"
          loading={test.isPending}
          disabled={disabled || whyNot !== undefined}
          title={whyNot}
          aria-label={`Test the connection to ${name}`}
          onClick={() => test.mutate()}
        >
          Test connection
        </Button>
      </Group>
      <div aria-live="polite">
        {test.error && <Failure title="It could not be tested" error={test.error} />}
        {test.data && <Result result={test.data} />}
      </div>
    </Stack>
  );
}

function Result({ result }: { result: Schemas['TestResult'] }) {
  return (
    <Stack gap={6}>
      <Text size="sm" fw={600}>
        {result.works ? 'It works.' : 'It does not work.'}
      </Text>
      <List size="sm" spacing={6} listStyleType="none">
        {result.steps.map(({ what, problem }) => (
          <List.Item
            key={what}
            icon={
              <ThemeIcon size={18} radius="xl" variant="light" color={problem ? 'red' : 'tide'}>
                {problem ? (
                  <IconX size={12} role="img" aria-label="failed" />
                ) : (
                  <IconCheck size={12} role="img" aria-label="worked" />
                )}
              </ThemeIcon>
            }
          >
            <Words text={sentence(what)} />
            {problem && (
              <Text size="sm" c="dimmed" component="div">
                <Words text={sentence(problem)} />
              </Text>
            )}
          </List.Item>
        ))}
      </List>
    </Stack>
  );
}
