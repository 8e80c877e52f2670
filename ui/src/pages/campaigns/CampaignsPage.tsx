import { Button, Group, Modal, Stack, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlus, IconSpeakerphone } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { api, ask } from '../../api/client';
import { allCampaignsQuery, campaignsQuery } from '../../api/queries';
import { Empty, Failure, Loading, PageHeader } from '../../components';
import { sentence } from '../../components/Failure';
import { useWhyNot } from '../../session/useMay';
import { CampaignList } from './CampaignList';

/** All campaigns: searched, filtered, sorted. */
export default function CampaignsPage() {
  const [archived, setArchived] = useState(false);
  const campaigns = useQuery(archived ? allCampaignsQuery : campaignsQuery);
  const [making, { open, close }] = useDisclosure(false);
  const notMade = useWhyNot()('create_campaign');
  const none = campaigns.data?.length === 0;
  return (
    <>
      <PageHeader
        title="Campaigns"
        actions={
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={open} disabled={!!notMade} title={notMade}>
            New campaign
          </Button>
        }
      >
        Who gets which treatment, and where their lists go.
      </PageHeader>
      {campaigns.isPending && <Loading what="campaigns" />}
      {campaigns.isError && (
        <Failure title="The campaigns cannot be shown" error={campaigns.error} retry={() => void campaigns.refetch()} />
      )}
      {none && (
        <Empty
          icon={IconSpeakerphone}
          title={archived ? 'No campaign yet' : 'No campaign here'}
          action={
            <Group>
              <Button onClick={open} disabled={!!notMade} title={notMade}>
                New campaign
              </Button>
              {!archived && (
                <Button variant="default" onClick={() => setArchived(true)}>
                  Look into the archive
                </Button>
              )}
            </Group>
          }
        >
          A campaign takes one or more segments, splits them into treatments, and sends each treatment's list to its
          destinations. Nothing is sent before you run it.
        </Empty>
      )}
      {campaigns.data && !none && <CampaignList lines={campaigns.data} archived={archived} setArchived={setArchived} />}
      <NewCampaign opened={making} close={close} />
    </>
  );
}

function NewCampaign({ opened, close }: { opened: boolean; close: () => void }) {
  const [name, setName] = useState('');
  const navigate = useNavigate();
  const queries = useQueryClient();
  const make = useMutation({
    mutationFn: () => ask(api.POST('/campaigns', { body: { name: name.trim() } })),
    onSuccess: (draft) => {
      void queries.invalidateQueries({ queryKey: ['campaigns'] });
      void navigate({ to: '/campaigns/$campaign', params: { campaign: draft.id } });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim()) make.mutate();
  };
  return (
    <Modal opened={opened} onClose={close} title="New campaign">
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            data-autofocus
            label="Name"
            description="It becomes part of the names of lists and files"
            required
            maxLength={200}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={make.error ? sentence(make.error.message) : undefined}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button type="submit" loading={make.isPending} disabled={!name.trim()}>
              Make it
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
