import { ActionIcon, Alert, Anchor, Button, Group, Modal, Stack, Text, TextInput, Tooltip } from '@mantine/core';
import { useDisclosure, useHotkeys } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { IconArrowBackUp, IconArrowForwardUp, IconArrowLeft, IconFlask, IconListDetails, IconPlayerPlay, IconTable } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { api, ask } from '../../api/client';
import { useCounts } from '../../api/counts';
import { textAt } from '../../api/problems';
import { allCampaignsQuery } from '../../api/queries';
import { Failure, Loading, ProblemList, StatusBadge } from '../../components';
import { sentence } from '../../components/Failure';
import { ReadOnly } from '../../session/ReadOnly';
import { useWhyNot } from '../../session/useMay';
import { AttributesDialog } from './AttributesDialog';
import { Archived } from './Archived';
import { AudienceStep } from './AudienceStep';
import { counted } from './campaign';
import { Place } from './Place';
import { SubAudiencesStep } from './SubAudiencesStep';
import { SummaryDialog } from './SummaryDialog';
import { TestDialog } from './TestDialog';
import { TimingStep } from './TimingStep';
import { type DraftState, useDraft } from './useDraft';

/** The campaign builder: who, which treatment and where, and when. */
export default function CampaignPage() {
  const { campaign: id } = useParams({ from: '/campaigns/$campaign' });
  return <Builder key={id} id={id} />;
}

function Builder({ id }: { id: string }) {
  const draft = useDraft(id);
  const { campaign, edit, validation, published } = draft;
  const { counts: found, counting, error: uncounted } = useCounts(campaign && campaign.include.length > 0 ? { campaign: counted(campaign) } : null);
  const counts = found && 'audience' in found ? found : undefined;
  const [attributes, attributesDialog] = useDisclosure(false);
  const [summary, summaryDialog] = useDisclosure(false);
  const [testing, testDialog] = useDisclosure(false);
  useHotkeys([
    ['mod+Z', () => draft.undo?.()],
    ['mod+shift+Z', () => draft.redo?.()],
  ]);
  if (draft.loaded.isError) {
    return <Failure title="The campaign cannot be shown" error={draft.loaded.error} retry={() => void draft.loaded.refetch()} />;
  }
  if (!campaign) return <Loading what="the campaign" />;
  const problems = validation.data?.problems ?? [];
  const setting = { campaign, edit, problems, counts, counting, published };
  return (
    <ReadOnly unless="put_draft">
    <Stack gap="md">
      <Header id={id} draft={draft} test={testDialog.open} />
      {draft.conflict && (
        <Alert color="yellow" title="Somebody else has changed this campaign meanwhile" role="alert">
          <Group justify="space-between">
            <Text size="sm">Your last edits are not saved. Load what there is now, and make them again.</Text>
            <Button size="xs" variant="default" onClick={() => void draft.reload()}>
              Load it again
            </Button>
          </Group>
        </Alert>
      )}
      {uncounted && !counting && campaign.include.length > 0 && problems.length === 0 && (
        <Failure title="It cannot be counted" error={uncounted} />
      )}
      {campaign.archived && <Archived id={id} draft={draft} />}
      <AudienceStep campaign={campaign} edit={edit} problems={problems} counts={counts} counting={counting} />
      <SubAudiencesStep
        setting={setting}
        links={
          <>
            <Button variant="subtle" size="compact-sm" leftSection={<IconListDetails size={14} aria-hidden />} onClick={summaryDialog.open}>
              Delivery summary
            </Button>
            <Button variant="subtle" size="compact-sm" leftSection={<IconTable size={14} aria-hidden />} onClick={attributesDialog.open}>
              Edit attributes
            </Button>
          </>
        }
      />
      <TimingStep campaign={campaign} edit={edit} problems={problems} />
      {(validation.data?.others.length ?? 0) > 0 && (
        <Alert color="red" variant="light" title="Elsewhere it would make wrong">
          <ProblemList problems={validation.data?.others ?? []} />
        </Alert>
      )}
      <AttributesDialog opened={attributes} close={attributesDialog.close} campaign={campaign} edit={edit} problems={problems} />
      <SummaryDialog id={id} opened={summary} close={summaryDialog.close} save={draft.save} />
      <TestDialog id={id} opened={testing} close={testDialog.close} save={draft.save} />
    </Stack>
    </ReadOnly>
  );
}

function Header({ id, draft, test }: { id: string; draft: DraftState; test: () => void }) {
  const { campaign, validation, saving, changed, published } = draft;
  const queries = useQueryClient();
  const lines = useQuery(allCampaignsQuery);
  const [discarding, discardDialog] = useDisclosure(false);
  const status = lines.data?.find((line) => line.id === id)?.status;
  const failed = (title: string) => (error: Error) =>
    notifications.show({ color: 'red', title, message: sentence(error.message), autoClose: false });
  const path = { path: { campaign: id } };
  const publish = useMutation({
    mutationFn: async () => {
      await draft.save();
      return ask(api.POST('/campaigns/{campaign}/publish', { params: { ...path, header: { 'If-Match': draft.tag() } } }));
    },
    onSuccess: () => {
      notifications.show({ color: 'green', title: campaign?.name, message: 'It is published.' });
      return draft.reload();
    },
    onError: failed('It could not be published'),
  });
  const discard = useMutation({
    mutationFn: async () => {
      await draft.save();
      return ask(api.DELETE('/campaigns/{campaign}/draft', { params: { ...path, header: { 'If-Match': draft.tag() } } }));
    },
    onSuccess: () => {
      discardDialog.close();
      if (published) return draft.reload();
      void queries.invalidateQueries({ queryKey: ['campaigns'] });
      window.history.back();
    },
    onError: failed('It could not be discarded'),
  });
  const run = useMutation({
    mutationFn: () =>
      ask(api.POST('/campaigns/{campaign}/run', { params: { ...path, header: { 'Idempotency-Key': crypto.randomUUID() } } })),
    onSuccess: () => {
      notifications.show({ title: campaign?.name, message: 'It runs.' });
      return queries.invalidateQueries({ queryKey: ['campaigns'] });
    },
    onError: failed('It could not be run'),
  });
  const whyNot = useWhyNot();
  if (!campaign) return null;
  const errors = validation.data?.errors ?? 0;
  const scheduled = campaign.schedule !== 'manual';
  const first = [...(validation.data?.problems ?? []), ...(validation.data?.others ?? [])].find((one) => one.severity === 'error');
  const held = errors > 0 && first ? `${sentence(first.reason)}: ${first.remedy}` : undefined;
  const notTested = whyNot('test_campaign') ?? held;
  const notPublished = whyNot('publish_draft') ?? held;
  const notRun = whyNot('run_campaign') ?? (campaign.archived ? 'Bring it back first' : !published ? 'Publish it first' : changed ? 'Publish or discard the changes first' : undefined);
  return (
    <Group justify="space-between" align="flex-start" wrap="nowrap">
      <Stack gap={4} style={{ flex: 1, minWidth: 0 }}>
        <Anchor component={Link} to="/campaigns" size="sm">
          <Group gap={4} component="span">
            <IconArrowLeft size={14} aria-hidden /> Campaigns
          </Group>
        </Anchor>
        <h1 className="sr-only">Campaign {campaign.name}</h1>
        <TextInput
          aria-label="Name of the campaign"
          variant="unstyled"
          className="title"
          value={campaign.name}
          onChange={(event) => {
            const name = event.currentTarget.value;
            draft.edit((now) => ({ ...now, name }), 'name');
          }}
          error={textAt(validation.data?.problems ?? [], 'name')}
        />
        <Group gap="sm">
          {status && <StatusBadge status={status} />}
          <Text size="xs" c="dimmed" role="status">
            {typeof saving === 'object' ? `Not saved: ${saving.failed.message}` : saving === 'saved' ? (changed ? 'Saved as a draft' : 'As published') : 'Saving …'}
          </Text>
        </Group>
        <Place campaign={campaign} edit={draft.edit} problems={validation.data?.problems ?? []} />
      </Stack>
      <Group gap="xs" wrap="nowrap" pt="lg">
        <Tooltip label="Undo">
          <ActionIcon size="lg" color="gray" aria-label="Undo" disabled={!draft.undo} onClick={() => draft.undo?.()}>
            <IconArrowBackUp size={18} aria-hidden />
          </ActionIcon>
        </Tooltip>
        <Tooltip label="Redo">
          <ActionIcon size="lg" color="gray" aria-label="Redo" disabled={!draft.redo} onClick={() => draft.redo?.()}>
            <IconArrowForwardUp size={18} aria-hidden />
          </ActionIcon>
        </Tooltip>
        <Button variant="default" disabled={!changed} onClick={discardDialog.open}>
          Discard
        </Button>
        <Tooltip label={notTested} disabled={!notTested} multiline maw={360}>
          <Button variant="default" leftSection={<IconFlask size={16} aria-hidden />} data-disabled={!!notTested || undefined}
            aria-disabled={!!notTested} aria-description={notTested} onClick={() => !notTested && test()}>
            Test
          </Button>
        </Tooltip>
        <Tooltip label={notRun} disabled={!notRun}>
          <Button variant="default" leftSection={<IconPlayerPlay size={16} aria-hidden />} data-disabled={!!notRun || undefined}
            aria-disabled={!!notRun} loading={run.isPending} onClick={() => !notRun && run.mutate()}>
            Run now
          </Button>
        </Tooltip>
        <Tooltip label={notPublished} disabled={!notPublished} multiline maw={360}>
          <Button data-disabled={!!notPublished || !changed || undefined} aria-disabled={!!notPublished || !changed} loading={publish.isPending}
            aria-description={notPublished} onClick={() => !notPublished && changed && publish.mutate()}>
            {scheduled ? 'Schedule' : 'Publish'}
          </Button>
        </Tooltip>
      </Group>
      <Modal opened={discarding} onClose={discardDialog.close} title={published ? 'Discard the changes?' : 'Delete the draft?'}>
        <Stack>
          <Text size="sm">
            {published
              ? `All changes of “${campaign.name}” since it was published are thrown away.`
              : `“${campaign.name}” was never published: all of it is thrown away.`}
          </Text>
          <Group justify="flex-end">
            <Button variant="default" onClick={discardDialog.close} data-autofocus>
              Keep
            </Button>
            <Button color="red" loading={discard.isPending} onClick={() => discard.mutate()}>
              {published ? 'Discard changes' : 'Delete draft'}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </Group>
  );
}
