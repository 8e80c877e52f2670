import { Badge, Button, Card, Group, Menu, SimpleGrid, Stack, Text } from '@mantine/core';
import { IconPlugConnected, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';

import type { Schemas } from '../../api/client';
import { destinationsQuery, kindsQuery } from '../../api/queries';
import { Empty, Failure, Loading, PageHeader, SearchField, TextLink } from '../../components';
import { useWhyNot } from '../../session/useMay';
import type { KindSpec } from './settings';
import { TestButton } from './TestButton';

type DestinationDetail = Schemas['DestinationDetail'];

/** The configured destinations, as cards. */
export default function DestinationsPage() {
  const [text, setText] = useState('');
  const destinations = useQuery(destinationsQuery);
  const kinds = useQuery(kindsQuery);
  const error = destinations.error ?? kinds.error;
  const all = destinations.data ?? [];
  const word = text.trim().toLowerCase();
  const found = all.filter(({ destination: { id, name, kind } }) =>
    [id, name, kind].some((one) => one.toLowerCase().includes(word)),
  );
  return (
    <Stack gap="sm">
      <PageHeader title="Destinations" actions={<Add kinds={kinds.data ?? []} />}>
        The places where marketing happens. Campaigns send each treatment's list to some of them.
      </PageHeader>
      {error && <Failure title="The destinations cannot be shown" error={error} />}
      {!error && (destinations.isPending || kinds.isPending) && <Loading what="destinations" />}
      {destinations.data && all.length === 0 && (
        <Empty icon={IconPlugConnected} title="No destination yet" action={<Add kinds={kinds.data ?? []} />}>
          Add one to have somewhere to send lists. Local files ask for a folder only; with the sandbox any platform can be
          rehearsed without an account.
        </Empty>
      )}
      {all.length > 0 && (
        <SearchField what="destinations" placeholder="Name or kind" value={text} onChange={setText} />
      )}
      {all.length > 0 && found.length === 0 && <Text c="dimmed">No destination is called so.</Text>}
      <SimpleGrid cols={{ base: 2, lg: 3 }}>
        {found.map((detail) => (
          <DestinationCard key={detail.destination.id} detail={detail} kinds={kinds.data ?? []} />
        ))}
      </SimpleGrid>
    </Stack>
  );
}

function Add({ kinds }: { kinds: KindSpec[] }) {
  if (useWhyNot()('put_destination')) return null;
  return (
    <Menu position="bottom-end" width={280}>
      <Menu.Target>
        <Button leftSection={<IconPlus size={16} aria-hidden />}>Add destination</Button>
      </Menu.Target>
      <Menu.Dropdown mah={420} style={{ overflowY: 'auto' }}>
        {[false, true].map((files) => (
          <div key={String(files)}>
            <Menu.Label>{files ? 'Files' : 'Platforms'}</Menu.Label>
            {kinds
              .filter((kind) => kind.writes_files === files)
              .map((kind) => (
                <Menu.Item key={kind.kind} component={Link} to={`/destinations/new/${kind.kind}` as string}>
                  {kind.title}
                </Menu.Item>
              ))}
          </div>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function DestinationCard({ detail, kinds }: { detail: DestinationDetail; kinds: KindSpec[] }) {
  const { destination, used_by } = detail;
  const kind = kinds.find((one) => one.kind === destination.kind);
  return (
    <Card withBorder padding="md" bg="var(--card)" component="article">
      <Stack gap="sm" h="100%">
        <Group justify="space-between" wrap="nowrap" align="flex-start">
          <Stack gap={0}>
            <Link className="row-link" to="/destinations/$destination" params={{ destination: destination.id }}>
              {destination.name}
            </Link>
            <Text size="sm" c="dimmed">
              {kind?.title ?? destination.kind}
            </Text>
          </Stack>
          {destination.sandbox && (
            <Badge variant="light" color="grape" tt="none" fw={500} radius="sm">
              sandbox
            </Badge>
          )}
        </Group>
        <Text size="sm" style={{ flexGrow: 1 }}>
          {used_by.length === 0 ? (
            <Text span c="dimmed" inherit>
              No campaign sends to it yet.
            </Text>
          ) : (
            <>
              Used by{' '}
              {used_by.map((campaign, at) => (
                <span key={campaign}>
                  {at > 0 && ', '}
                  <TextLink to="/campaigns/$campaign" params={{ campaign }}>
                    {campaign}
                  </TextLink>
                </span>
              ))}
              .
            </>
          )}
        </Text>
        <TestButton destination={destination.id} name={destination.name} />
      </Stack>
    </Card>
  );
}
