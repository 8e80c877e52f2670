import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation } from '@tanstack/react-query';

import { Failure } from '../components';

interface Props {
  name: string;
  /** What is gone then, and what stays. */
  consequence: string;
  /** The campaigns that use it, for which it cannot be removed. */
  usedBy: string[];
  remove: () => Promise<unknown>;
}

/** Removes something that no campaign uses, once it is asked for twice. */
export function Remove({ name, consequence, usedBy, remove }: Props) {
  const [asked, { open, close }] = useDisclosure(false);
  const removing = useMutation({ mutationFn: remove });
  const used = usedBy.length > 0;
  return (
    <>
      <Button variant="subtle" color="red" onClick={open}>
        Remove
      </Button>
      <Modal opened={asked} onClose={close} title={`Remove ${name}?`} centered>
        <Stack>
          <Text size="sm">
            {used
              ? `It cannot be removed while campaigns use it: ${usedBy.join(', ')}. Take it out of them first.`
              : consequence}
          </Text>
          {removing.error && <Failure title="It is not removed" error={removing.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close} data-autofocus>
              Keep it
            </Button>
            {!used && (
              <Button color="red.9" loading={removing.isPending} onClick={() => removing.mutate()}>
                Remove {name}
              </Button>
            )}
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
