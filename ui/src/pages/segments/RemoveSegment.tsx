import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';

import { api, ask, type Schemas } from '../../api/client';
import { segmentsQuery } from '../../api/queries';
import { Failure } from '../../components';

/** Removes a segment that no campaign uses, once it is asked for twice. */
export function RemoveSegment({ line }: { line: Schemas['SegmentLine'] }) {
  const { segment, tag, used_by } = line;
  const [asked, { open, close }] = useDisclosure(false);
  const queries = useQueryClient();
  const navigate = useNavigate();
  const remove = useMutation({
    mutationFn: () =>
      ask(
        api.DELETE('/segments/{segment}', {
          params: { path: { segment: segment.id }, header: { 'If-Match': `"${tag}"` } },
        }),
      ),
    onSuccess: async () => {
      await navigate({ to: '/segments' });
      await queries.invalidateQueries({ queryKey: segmentsQuery.queryKey });
    },
  });
  return (
    <>
      <Button variant="subtle" color="red" onClick={open}>
        Remove
      </Button>
      <Modal opened={asked} onClose={close} title={`Remove ${segment.name}?`} centered>
        <Stack>
          <Text size="sm">
            {used_by.length > 0
              ? `It cannot be removed while campaigns use it: ${used_by.join(', ')}. Take it out of them first.`
              : 'Nobody can include or exclude it then. Customers stay as they are.'}
          </Text>
          {remove.error && <Failure title="It is not removed" error={remove.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close} data-autofocus>
              Keep it
            </Button>
            {used_by.length === 0 && (
              <Button color="red" loading={remove.isPending} onClick={() => remove.mutate()}>
                Remove {segment.name}
              </Button>
            )}
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
