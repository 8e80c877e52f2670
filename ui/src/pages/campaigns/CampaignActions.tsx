import { ActionIcon, Button, Group, Menu, Modal, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import {
  IconArchive, IconArchiveOff, IconCalendarOff, IconCopy, IconDots, IconDownload, IconHash, IconHistory, IconPlayerPlay, IconTrash,
} from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { api, ask, askTagged } from '../../api/client';
import { recipientsOfRun } from '../../api/downloads';
import { Failure } from '../../components';
import { sentence } from '../../components/Failure';
import { useWhyNot } from '../../session/useMay';
import type { Line } from './list';

/** What can be done with a campaign of the list. */
export function CampaignActions({ line }: { line: Line }) {
  const navigate = useNavigate();
  const [deleting, deleteDialog] = useDisclosure(false);
  const whyNot = useWhyNot();
  const params = { path: { campaign: line.id } };
  const open = (campaign: string) => void navigate({ to: '/campaigns/$campaign', params: { campaign } });
  const said = (message: string) => notifications.show({ title: line.name, message });
  const copy = useAction(
    () => ask(api.POST('/campaigns/{campaign}/copy', { params, body: { name: `Copy of ${line.name}` } })),
    'It could not be copied',
    (draft) => open(draft.id),
  );
  const run = useAction(
    () => ask(api.POST('/campaigns/{campaign}/run', { params: { ...params, header: { 'Idempotency-Key': crypto.randomUUID() } } })),
    'It could not be run',
    () => said('It runs. The list shows when it is delivered.'),
  );
  const unschedule = useAction(() => unscheduled(line.id), 'It could not be unscheduled', () => open(line.id));
  const archive = useAction(
    () => ask(api.POST('/campaigns/{campaign}/archive', { params })),
    'It could not be archived',
    () => said('It is in the archive, without its schedule.'),
  );
  const bringBack = useAction(
    () => ask(api.POST('/campaigns/{campaign}/bring_back', { params })),
    'It could not be brought back',
    () => said('It is back, to be run by hand or scheduled anew.'),
  );
  const { status } = line;
  const published = status !== 'draft';
  const ran = line.last_run !== null;
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon color="gray" aria-label={`Actions of ${line.name}`}>
            <IconDots size={18} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item
            leftSection={<IconPlayerPlay size={16} aria-hidden />}
            disabled={!published || status === 'running' || status === 'archived' || !!whyNot('run_campaign')}
            title={whyNot('run_campaign')}
            onClick={() => run.mutate()}
          >
            Run now
          </Menu.Item>
          <Menu.Item
            leftSection={<IconCopy size={16} aria-hidden />}
            disabled={!!whyNot('copy_campaign')}
            title={whyNot('copy_campaign')}
            onClick={() => copy.mutate()}
          >
            Copy
          </Menu.Item>
          {line.next_delivery !== null && !whyNot('unschedule_campaign') && (
            <Menu.Item leftSection={<IconCalendarOff size={16} aria-hidden />} onClick={() => unschedule.mutate()}>
              Unschedule and edit
            </Menu.Item>
          )}
          {ran && (
            <Menu.Item
              leftSection={<IconHistory size={16} aria-hidden />}
              onClick={() => void navigate({ to: '/runs', search: { campaign: line.id } })}
            >
              History
            </Menu.Item>
          )}
          {line.last_run && line.last_delivery && status !== 'error' && !whyNot('download_recipients') && (
            <Menu.Item
              component="a"
              href={recipientsOfRun(line.last_run)}
              download
              leftSection={<IconDownload size={16} aria-hidden />}
            >
              Download last recipients
            </Menu.Item>
          )}
          <Menu.Item leftSection={<IconHash size={16} aria-hidden />} onClick={() => void navigator.clipboard.writeText(line.id)}>
            Copy its id
          </Menu.Item>
          {whyNot('archive_campaign') ? null : status === 'archived' ? (
            <Menu.Item leftSection={<IconArchiveOff size={16} aria-hidden />} onClick={() => bringBack.mutate()}>
              Bring back
            </Menu.Item>
          ) : (
            ran && (
              <Menu.Item leftSection={<IconArchive size={16} aria-hidden />} disabled={status === 'running'} onClick={() => archive.mutate()}>
                Archive
              </Menu.Item>
            )
          )}
          {!ran && !whyNot(published ? 'delete_campaign' : 'discard_draft') && (
            <Menu.Item color="red" leftSection={<IconTrash size={16} aria-hidden />} onClick={deleteDialog.open}>
              Delete …
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      <DeleteDialog line={line} opened={deleting} close={deleteDialog.close} />
    </>
  );
}

/** An action on a campaign, after which the list is read again. */
function useAction<T>(action: () => Promise<T>, failed: string, done: (answer: T) => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: action,
    onSuccess: (answer) => {
      void queries.invalidateQueries({ queryKey: ['campaigns'] });
      done(answer);
    },
    onError: (error) => notifications.show({ color: 'red', title: failed, message: sentence(error.message), autoClose: false }),
  });
}

/** Takes the schedule from what is published. What it said stays in the draft, to be edited and scheduled again. */
async function unscheduled(id: string): Promise<void> {
  const path = { path: { campaign: id } };
  const draft = await askTagged(api.GET('/campaigns/{campaign}/draft', { params: path }));
  if (draft.data.version === 0) {
    const params = { ...path, header: { 'If-Match': draft.tag } };
    await ask(api.PUT('/campaigns/{campaign}/draft', { params, body: draft.data.campaign }));
  }
  await ask(api.POST('/campaigns/{campaign}/unschedule', { params: path }));
}

function DeleteDialog({ line, opened, close }: { line: Line; opened: boolean; close: () => void }) {
  const queries = useQueryClient();
  const path = { path: { campaign: line.id } };
  const draft = line.status === 'draft';
  const remove = useMutation({
    mutationFn: async () => {
      if (draft) {
        const { tag } = await askTagged(api.GET('/campaigns/{campaign}/draft', { params: path }));
        return ask(api.DELETE('/campaigns/{campaign}/draft', { params: { ...path, header: { 'If-Match': tag } } }));
      }
      const { tag } = await askTagged(api.GET('/campaigns/{campaign}', { params: path }));
      return ask(api.DELETE('/campaigns/{campaign}', { params: { ...path, header: { 'If-Match': tag } } }));
    },
    onSuccess: () => {
      close();
      return queries.invalidateQueries({ queryKey: ['campaigns'] });
    },
  });
  return (
    <Modal opened={opened} onClose={close} title={`Delete ${line.name}?`} centered>
      <Stack>
        <Text size="sm">
          {draft
            ? 'All of it is thrown away: its segments stay, and nothing was ever sent.'
            : `All of it is thrown away${line.has_draft ? ', its changes that are not published' : ''}${
                line.next_delivery ? ' and its schedule' : ''
              }. It never ran, so no list and no record of recipients goes with it.`}
        </Text>
        {remove.error && <Failure title="It is not deleted" error={remove.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={close} data-autofocus>
            Keep it
          </Button>
          <Button color="red.9" loading={remove.isPending} onClick={() => remove.mutate()}>
            Delete {line.name}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
