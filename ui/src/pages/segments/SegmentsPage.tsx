import { Button, Paper, Stack, Table, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconCirclesRelation, IconPlus, IconUsersGroup } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';

import type { Schemas } from '../../api/client';
import { useCustomers } from '../../api/counts';
import { segmentsQuery } from '../../api/queries';
import { Count, Empty, Failure, Loading, PageHeader, SearchField } from '../../components';
import { useWhyNot } from '../../session/useMay';
import { CampaignLinks } from './CampaignLinks';
import { OverlapDialog } from './OverlapDialog';
import { share } from './share';

type SegmentLine = Schemas['SegmentLine'];

/** The saved segments, each with its customers. */
export default function SegmentsPage() {
  const [text, setText] = useState('');
  const [comparing, compare] = useDisclosure(false);
  const segments = useQuery(segmentsQuery);
  const word = text.trim().toLowerCase();
  const all = segments.data ?? [];
  const found = all.filter(({ segment }) => segment.name.toLowerCase().includes(word) || segment.id.includes(word));
  const make = !useWhyNot()('put_segment') && (
    <Button component={Link} to="/segments/new" leftSection={<IconPlus size={16} aria-hidden />}>
      New segment
    </Button>
  );
  return (
    <>
      <PageHeader
        title="Segments"
        actions={
          <>
            {all.length > 1 && (
              <Button variant="default" leftSection={<IconCirclesRelation size={16} aria-hidden />} onClick={compare.open}>
                Compare
              </Button>
            )}
            {make}
          </>
        }
      >
        Named sets of customers. Campaigns include and exclude them.
      </PageHeader>
      <OverlapDialog opened={comparing} close={compare.close} segments={all.map(({ segment }) => segment)} />
      {segments.isPending && <Loading what="segments" />}
      {segments.isError && (
        <Failure title="The segments cannot be shown" error={segments.error} retry={() => void segments.refetch()} />
      )}
      {segments.data && all.length === 0 && (
        <Empty icon={IconUsersGroup} title="No segment yet" action={make}>
          A segment says which customers somebody means: those who spent much, those who have not bought for long. A
          campaign begins with one.
        </Empty>
      )}
      {all.length > 0 && (
        <Stack gap="sm">
          <SearchField what="segments" placeholder="Search by name" value={text} onChange={setText} />
          <Paper withBorder bg="var(--card)">
            <Table highlightOnHover aria-label="Segments">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Name</Table.Th>
                  <Table.Th>Made of</Table.Th>
                  <Table.Th>Used by</Table.Th>
                  <Table.Th ta="right">Customers</Table.Th>
                  <Table.Th ta="right">Share</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {found.map((line) => (
                  <Row key={line.segment.id} line={line} />
                ))}
              </Table.Tbody>
            </Table>
            {found.length === 0 && (
              <Text c="dimmed" size="sm" p="lg" ta="center" role="status">
                No segment has that name.
              </Text>
            )}
          </Paper>
        </Stack>
      )}
    </>
  );
}

function Row({ line: { segment, used_by } }: { line: SegmentLine }) {
  const { customers, counting, error } = useCustomers({ segment: segment.customers });
  return (
    <Table.Tr>
      <Table.Td>
        <Link className="row-link" to="/segments/$segment" params={{ segment: segment.id }}>
          {segment.name}
        </Link>
        <Text size="xs" c="dimmed">
          {segment.id}
        </Text>
      </Table.Td>
      <Table.Td>{'sql' in segment.customers ? 'SQL' : 'Conditions'}</Table.Td>
      <Table.Td>
        <CampaignLinks campaigns={used_by} />
      </Table.Td>
      <Table.Td ta="right">
        {error ? (
          <Text size="sm" title={error.message}>
            cannot be counted
          </Text>
        ) : (
          <Count value={customers?.customers} counting={counting} size="sm" />
        )}
      </Table.Td>
      <Table.Td ta="right">{customers && share(customers.customers, customers.all)}</Table.Td>
    </Table.Tr>
  );
}
