import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';

import { api, ask, type Schemas } from '../../api/client';
import { destinationsQuery } from '../../api/queries';
import { Failure } from '../../components';

/** Removes a destination that no campaign sends to, once it is asked for twice. */
export function RemoveDestination({ detail }: { detail: Schemas['DestinationDetail'] }) {
  const { destination, tag, used_by } = detail;
  const [asked, { open, close }] = useDisclosure(false);
  const queries = useQueryClient();
  const navigate = useNavigate();
  const remove = useMutation({
    mutationFn: () =>
      ask(
        api.DELETE('/destinations/{destination}', {
          params: { path: { destination: destination.id }, header: { 'If-Match': `"${tag}"` } },
        }),
      ),
    onSuccess: async () => {
      await navigate({ to: '/destinations' });
      await queries.invalidateQueries({ queryKey: destinationsQuery.queryKey });
    },
  });
  return (
    <>
      <Button variant="subtle" color="red" onClick={open}>
        Remove
      </Button>
      <Modal opened={asked} onClose={close} title={`Remove ${destination.name}?`} centered>
        <Stack>
          <Text size="sm">
            {used_by.length > 0
              ? `It cannot be removed while campaigns send to it: ${used_by.join(', ')}. Take it out of them first.`
              : 'Its settings are gone then. Lists that were delivered stay where they are.'}
          </Text>
          {remove.error && <Failure title="It is not removed" error={remove.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close} data-autofocus>
              Keep it
            </Button>
            {used_by.length === 0 && (
              <Button color="red" loading={remove.isPending} onClick={() => remove.mutate()}>
                Remove {destination.name}
              </Button>
            )}
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
