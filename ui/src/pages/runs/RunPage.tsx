import { Alert, Button, Group, Stack, Tabs, Text } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useParams } from '@tanstack/react-router';
import { useEffect, useState } from 'react';

import { recipientsOfRun } from '../../api/downloads';
import { Failure, Loading, PageHeader, StatusBadge, TextLink } from '../../components';
import { sentence } from '../../components/Failure';
import { onBegun } from '../../session/session';
import { useWhyNot } from '../../session/useMay';
import { Audience } from './Audience';
import type { RunSummary } from './counts';
import { Deliveries } from './Deliveries';
import { Explain } from './Explain';
import type { LiveRun } from './live';
import { Requests } from './Requests';
import { RunActions } from './RunActions';
import { Mode } from './Mode';
import { moment } from './time';
import { Timeline } from './Timeline';
import { useEvents, useRun } from './watch';

/** A run, live while it goes on. */
export default function RunPage() {
  const { run: id } = useParams({ strict: false });
  return <Run key={id} id={id ?? ''} />;
}

function Run({ id }: { id: string }) {
  const [again, setAgain] = useState(0);
  const run = useRun(id);
  const live = useEvents(id, again);
  // The browser does not ask again where the session was over.
  useEffect(() => onBegun(() => setAgain((times) => times + 1)), []);
  if (run.error) {
    return <Failure title="The run cannot be shown" error={run.error} retry={() => void run.refetch()} />;
  }
  return run.data ? (
    <Shown run={run.data} live={live} onAgain={() => setAgain((times) => times + 1)} />
  ) : (
    <Loading what="the run" />
  );
}

function Shown({ run, live, onAgain }: { run: RunSummary; live: LiveRun; onAgain: () => void }) {
  const whyNot = useWhyNot();
  return (
    <Stack gap="md">
      <PageHeader
        title={`Run of ${run.campaign_name}`}
        actions={
          <>
            {run.outcome !== null && run.outcome !== 'failed' && !whyNot('download_recipients') && (
              <Button component="a" href={recipientsOfRun(run.run)} download variant="default" leftSection={<IconDownload size={16} aria-hidden />}>
                Download recipients
              </Button>
            )}
            <RunActions run={run} onAgain={onAgain} />
          </>
        }
      >
        <Stack gap={6} mt={4}>
          <Facts run={run} />
          <Group gap="xs">
            <TextLink to="/runs">All runs</TextLink>·
            <TextLink to="/campaigns/$campaign" params={{ campaign: run.campaign }}>
              The campaign
            </TextLink>
            ·<Text inherit>{run.run}</Text>
          </Group>
        </Stack>
      </PageHeader>
      {run.error && (
        <Alert color="red" variant="light" title="The run failed">
          {sentence(run.error)}
        </Alert>
      )}
      <Timeline run={run} live={live} />
      <Tabs defaultValue="deliveries" keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="deliveries">Deliveries</Tabs.Tab>
          <Tabs.Tab value="audience">Audience</Tabs.Tab>
          <Tabs.Tab value="requests">Requests</Tabs.Tab>
          {!whyNot('explain_customer') && <Tabs.Tab value="explain">Explain a customer</Tabs.Tab>}
        </Tabs.List>
        <Tabs.Panel value="deliveries" pt="md">
          <Deliveries run={run} live={live} />
        </Tabs.Panel>
        <Tabs.Panel value="audience" pt="md">
          <Audience run={run} />
        </Tabs.Panel>
        <Tabs.Panel value="requests" pt="md">
          <Requests run={run} />
        </Tabs.Panel>
        <Tabs.Panel value="explain" pt="md">
          <Explain campaign={run.campaign} />
        </Tabs.Panel>
      </Tabs>
    </Stack>
  );
}

function Facts({ run }: { run: RunSummary }) {
  return (
    <Group gap="xs">
      <StatusBadge status={run.outcome ?? run.state} />
      <Mode mode={run.mode} />
      <Text inherit>Began {moment(run.began)}</Text>
      <Text inherit>· as of {moment(run.as_of)}</Text>
      {run.launch_date && <Text inherit>· launch {run.launch_date}</Text>}
      {run.scheduled && (
        <Text inherit>
          · due {moment(run.scheduled.due)}
          {run.scheduled.late && ', taken on late'}
        </Text>
      )}
    </Group>
  );
}
