import { Alert, Anchor, Button, Code, Group, Modal, NumberInput, ScrollArea, Stack, Table, Text, Title } from '@mantine/core';
import { IconFlask } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Fragment, useState } from 'react';
import { all, api, ask, type Schemas } from '../../api/client';
import { destinationsQuery } from '../../api/queries';
import { Failure, Loading, When, Words } from '../../components';
import { shown } from '../../components/Count';
import { sentence } from '../../components/Failure';
import { address, isReadable, readable } from './testing';

interface Props {
  id: string;
  opened: boolean;
  close: () => void;
  /** Saves what is not saved yet, so that what is tested is what is shown. */
  save: () => Promise<void>;
}

/** All of a run but the sending: the first records of each list as they would leave, and the tests before. */
export function TestDialog({ id, opened, close, save }: Props) {
  const queries = useQueryClient();
  const [records, setRecords] = useState<number | string>(100);
  const [looked, setLooked] = useState<string | null>(null);
  const tests = useQuery({
    queryKey: ['tests', id],
    queryFn: () =>
      all((cursor) => api.GET('/campaigns/{campaign}/tests', { params: { path: { campaign: id }, query: { cursor } } })),
    enabled: opened,
  });
  const make = useMutation({
    mutationFn: async () => {
      await save();
      const params = { path: { campaign: id }, query: { records: Number(records) } };
      return ask(api.POST('/campaigns/{campaign}/test', { params }));
    },
    onSuccess: (test) => {
      queries.setQueryData(['test', test.test], test);
      setLooked(test.test);
      return queries.invalidateQueries({ queryKey: ['tests', id] });
    },
  });
  const test = useQuery({
    queryKey: ['test', looked],
    queryFn: () => ask(api.GET('/tests/{test}', { params: { path: { test: looked ?? '' } } })),
    enabled: looked !== null,
    staleTime: Infinity,
  });
  return (
    <Modal opened={opened} onClose={close} size={1120} title="Test">
      <Stack>
        <Group align="flex-end">
          <NumberInput
            label="Records of each list"
            description="All customers are counted, and nothing is sent"
            value={records}
            onChange={setRecords}
            min={1}
            max={10_000}
            clampBehavior="strict"
            allowDecimal={false}
            w={320}
          />
          <Button
            leftSection={<IconFlask size={16} aria-hidden />}
            disabled={records === ''}
            loading={make.isPending}
            onClick={() => make.mutate()}
          >
            Test with them
          </Button>
        </Group>
        {make.isPending && <Loading what="the test: each list is staged as a run would" />}
        {make.isError && <Failure title="It cannot be tested yet" error={make.error} />}
        {test.isError && <Failure title="The test cannot be shown" error={test.error} />}
        {!make.isPending && test.data && <Leaving test={test.data} />}
        {tests.data && tests.data.length > 0 && <History tests={tests.data} looked={looked} look={setLooked} />}
      </Stack>
    </Modal>
  );
}

/** What would leave, list by list. */
function Leaving({ test }: { test: Schemas['CampaignTest'] }) {
  const destinations = useQuery(destinationsQuery);
  const names = new Map((destinations.data ?? []).map(({ destination }) => [destination.id, destination.name]));
  if (test.deliveries.length === 0) return <Text size="sm">Nothing would be sent: no treatment has a destination.</Text>;
  return (
    <>
      {!test.has_files && (
        <Alert color="yellow" variant="light" p="xs">
          What was kept of this test is deleted: its retention is over.
        </Alert>
      )}
      <Table aria-label="What would leave">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Treatment, and what would leave</Table.Th>
            <Table.Th>Request</Table.Th>
            <Table.Th ta="right">Rows</Table.Th>
            <Table.Th ta="right">Bytes</Table.Th>
            <Table.Th aria-label="Download" />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {test.deliveries.map((delivery) => (
            <Fragment key={delivery.id}>
              <Table.Tr bg="var(--page)">
                <Table.Th colSpan={2} scope="rowgroup">
                  {delivery.group} → {names.get(delivery.destination) ?? delivery.destination}{' '}
                  <Text size="xs" c="dimmed" component="span" style={{ overflowWrap: 'anywhere' }}>
                    {delivery.list_name}
                  </Text>
                </Table.Th>
                <Table.Td ta="right">of {shown(delivery.rows)}</Table.Td>
                <Table.Td colSpan={2} />
              </Table.Tr>
              {[delivery.error, delivery.note].map(
                (said) =>
                  said && (
                    <Table.Tr key={said}>
                      <Table.Td colSpan={5} c={said === delivery.error ? 'var(--mantine-color-error)' : 'dimmed'}>
                        <Words text={sentence(said)} />
                      </Table.Td>
                    </Table.Tr>
                  ),
              )}
              {delivery.files.map((file) => (
                <FileRows key={file.name} test={test} delivery={delivery.id} file={file} />
              ))}
            </Fragment>
          ))}
        </Table.Tbody>
      </Table>
    </>
  );
}

interface FileProps {
  test: Schemas['CampaignTest'];
  delivery: string;
  file: Schemas['TestFile'];
}

function FileRows({ test, delivery, file }: FileProps) {
  const [open, setOpen] = useState(false);
  const path = { test: test.test, delivery, file: file.name };
  const text = useQuery({
    queryKey: ['test', test.test, delivery, file.name],
    queryFn: ({ signal }) =>
      ask(api.GET('/tests/{test}/files/{delivery}/{file}', { params: { path }, parseAs: 'text', signal })),
    enabled: open,
    staleTime: Infinity,
  });
  return (
    <>
      <Table.Tr>
        <Table.Td pl="xl">
          {isReadable(file.name) && test.has_files ? (
            <Button variant="subtle" size="compact-sm" aria-expanded={open} aria-label={`${open ? 'Hide' : 'Show'} ${file.name}`} onClick={() => setOpen(!open)}>
              {file.name}
            </Button>
          ) : (
            <Text size="sm" px="xs">
              {file.name}
            </Text>
          )}
        </Table.Td>
        <Table.Td>
          <Text size="xs" ff="monospace" style={{ overflowWrap: 'anywhere' }}>
            {file.request ?? 'a file'}
          </Text>
        </Table.Td>
        <Table.Td ta="right">{shown(file.rows)}</Table.Td>
        <Table.Td ta="right">{shown(file.bytes)}</Table.Td>
        <Table.Td ta="right">
          {test.has_files && (
            <Anchor size="sm" href={address(test.test, delivery, file.name)} download={file.name} aria-label={`Download ${file.name}`}>
              Download
            </Anchor>
          )}
        </Table.Td>
      </Table.Tr>
      {open && (
        <Table.Tr>
          <Table.Td colSpan={5}>
            {text.isPending && <Loading what={file.name} />}
            {text.isError && <Failure title="It cannot be shown" error={text.error} />}
            {text.data !== undefined && (
              <ScrollArea.Autosize mah={320} viewportProps={{ tabIndex: 0, role: 'region', 'aria-label': file.name }}>
                <Code block>{readable(file.name, String(text.data))}</Code>
              </ScrollArea.Autosize>
            )}
          </Table.Td>
        </Table.Tr>
      )}
    </>
  );
}

interface HistoryProps {
  tests: Schemas['CampaignTestLine'][];
  looked: string | null;
  look: (test: string) => void;
}

function History({ tests, looked, look }: HistoryProps) {
  return (
    <>
      <Title order={3} size="h5">
        Tests so far
      </Title>
      <Table aria-label="Tests so far">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Made</Table.Th>
            <Table.Th>By</Table.Th>
            <Table.Th ta="right">Records</Table.Th>
            <Table.Th ta="right">Lists</Table.Th>
            <Table.Th ta="right">Would fail</Table.Th>
            <Table.Th aria-label="Look at it" />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {tests.map((test) => (
            <Table.Tr key={test.test}>
              <Table.Td>
                <When at={test.tested_at} />
              </Table.Td>
              <Table.Td>{test.tested_by}</Table.Td>
              <Table.Td ta="right">{shown(test.records)}</Table.Td>
              <Table.Td ta="right">{shown(test.deliveries)}</Table.Td>
              <Table.Td ta="right">{shown(test.failed)}</Table.Td>
              <Table.Td ta="right">
                <Button variant="subtle" size="compact-sm" disabled={test.test === looked} onClick={() => look(test.test)}>
                  {test.test === looked ? 'Shown' : 'Show'}
                </Button>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </>
  );
}
