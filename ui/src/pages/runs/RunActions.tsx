import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';

import { api, ask } from '../../api/client';
import { Failure } from '../../components';
import { sentence } from '../../components/Failure';
import { useWhyNot } from '../../session/useMay';
import { didNotArrive, type RunSummary } from './counts';
import { runKey } from './watch';

/** What can be done with a run: stopped while it goes on, sent again where something did not arrive. */
export function RunActions({ run, onAgain }: { run: RunSummary; onAgain: () => void }) {
  const whyNot = useWhyNot();
  if (run.outcome === null) return whyNot('cancel_run') ? null : <Cancel run={run} />;
  return whyNot('retry_run') ? null : <Retry run={run} onAgain={onAgain} />;
}

function Cancel({ run }: { run: RunSummary }) {
  const [asked, { open, close }] = useDisclosure(false);
  const queries = useQueryClient();
  const cancel = useMutation({
    mutationFn: () => ask(api.POST('/runs/{run}/cancel', { params: { path: { run: run.run } } })),
    onSuccess: (stopped) => {
      queries.setQueryData(runKey(run.run), stopped);
      close();
    },
  });
  return (
    <>
      {/* Whoever cancelled sees that it was heard: a request under way may take its time to end. */}
      <Button color="red" variant="light" onClick={open} disabled={cancel.isSuccess}>
        {cancel.isSuccess ? 'Stopping …' : 'Cancel run'}
      </Button>
      <Modal opened={asked} onClose={close} title={`Cancel this run of ${run.campaign_name}?`} centered>
        <Stack>
          <Text size="sm">
            It stops within a batch. What was sent until then stays where it is; deliveries that have not begun are not
            sent. What is left can be sent again afterwards.
          </Text>
          {cancel.error && <Failure title="It could not be cancelled" error={cancel.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close} data-autofocus>
              Let it go on
            </Button>
            <Button color="red.9" loading={cancel.isPending} onClick={() => cancel.mutate()}>
              Cancel run
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}

function Retry({ run, onAgain }: { run: RunSummary; onAgain: () => void }) {
  const queries = useQueryClient();
  const retry = useMutation({
    mutationFn: () => ask(api.POST('/runs/{run}/retry', { params: { path: { run: run.run } }, body: { destination: null } })),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: runKey(run.run) });
      onAgain();
    },
    onError: (error) =>
      notifications.show({
        color: 'red',
        title: 'It could not be sent again',
        message: sentence(error.message),
        autoClose: false,
      }),
  });
  const open = didNotArrive(run).length;
  if (open === 0 || run.staged_deleted) {
    return null;
  }
  return (
    <Button loading={retry.isPending} onClick={() => retry.mutate()}>
      Retry {open === 1 ? 'the delivery' : `${open} deliveries`} that did not arrive
    </Button>
  );
}
