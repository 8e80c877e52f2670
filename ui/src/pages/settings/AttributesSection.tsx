import { Button, Group, Select, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask, Refused, type Schemas } from '../../api/client';
import { defaultsQuery, destinationsQuery, kindsQuery } from '../../api/queries';
import { AttributeTable } from '../../attributes/AttributeTable';
import type { Mapping } from '../../attributes/model';
import { Failure, Loading, TextLink } from '../../components';
import { ReadOnly } from '../../session/ReadOnly';
import { elsewhere } from '../problems';
import { useLeaving } from '../useLeaving';

const PATH = 'default_attributes';

/** What campaigns begin with at each destination. */
export default function AttributesSection() {
  const [chosen, choose] = useState<string | null>(null);
  const destinations = useQuery(destinationsQuery);
  const kinds = useQuery(kindsQuery);
  const error = destinations.error ?? kinds.error;
  if (error) return <Failure title="The destinations cannot be shown" error={error} />;
  if (!destinations.data || !kinds.data) return <Loading what="destinations" />;
  const detail = destinations.data.find((one) => one.destination.id === chosen) ?? destinations.data[0];
  const kind = kinds.data.find((one) => one.kind === detail?.destination.kind);
  if (!detail || !kind) {
    return (
      <Text size="sm">
        There is no destination yet. <TextLink to="/destinations">Add one</TextLink>, and say here what it is sent.
      </Text>
    );
  }
  return (
    <Stack>
      <Select
        label="Destination"
        description="What a campaign sends there unless its own attributes say otherwise"
        w={360}
        allowDeselect={false}
        data={destinations.data.map(({ destination }) => ({ value: destination.id, label: destination.name }))}
        value={detail.destination.id}
        onChange={choose}
      />
      <ReadOnly unless="put_destination">
        <Defaults key={`${detail.destination.id} ${detail.tag}`} detail={detail} kind={kind} />
      </ReadOnly>
    </Stack>
  );
}

interface DefaultsProps {
  detail: Schemas['DestinationDetail'];
  kind: Schemas['KindSpec'];
}

function Defaults({ detail: { destination, tag }, kind }: DefaultsProps) {
  const { id } = destination;
  const queries = useQueryClient();
  const defaults = useQuery(defaultsQuery(id));
  const [edited, setEdited] = useState<Mapping[] | null>(null);
  const leave = useLeaving(edited !== null);
  const save = useMutation({
    mutationFn: (attributes: Mapping[] | null) => {
      const params = { path: { destination: id }, header: { 'If-Match': `"${tag}"` } };
      return ask(api.PUT('/destinations/{destination}', { params, body: { ...destination, default_attributes: attributes } }));
    },
    onSuccess: async () => {
      leave();
      notifications.show({ color: 'teal', message: `The default attributes of ${destination.name} are saved.` });
      await queries.invalidateQueries({ queryKey: destinationsQuery.queryKey });
    },
  });
  if (defaults.error) return <Failure title="The default attributes cannot be shown" error={defaults.error} />;
  if (!defaults.data) return <Loading what="attributes" />;
  const { own, attributes } = defaults.data;
  const problems = save.error instanceof Refused ? save.error.problems : [];
  return (
    <Stack>
      {save.error && <Failure title="They are not saved" error={elsewhere(save.error, [PATH])} />}
      <AttributeTable
        kind={kind}
        mappings={edited ?? attributes}
        defaults={attributes}
        put={setEdited}
        reset={own || edited ? () => (own ? save.mutate(null) : setEdited(null)) : undefined}
        problems={problems}
        path={PATH}
      />
      <Group justify="space-between">
        <Text size="sm" c="dimmed">
          {own ? 'Set here.' : 'As they follow from the kind and from what columns mean.'}
        </Text>
        <Group>
          <Button variant="default" disabled={!edited} onClick={() => setEdited(null)}>
            Discard
          </Button>
          <Button disabled={!edited} loading={save.isPending} onClick={() => save.mutate(edited)}>
            Save
          </Button>
        </Group>
      </Group>
    </Stack>
  );
}
