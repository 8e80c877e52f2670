import { Alert, Button, Group, Modal, Select, Stack, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Problem, Schemas } from '../../api/client';
import { problemsAt } from '../../api/problems';
import { defaultsQuery, destinationsQuery, kindsQuery } from '../../api/queries';
import { AttributeTable } from '../../attributes/AttributeTable';
import { Failure, Loading, ProblemList } from '../../components';
import { type Campaign, setUse, usedDestinations } from './campaign';

interface Props {
  opened: boolean;
  close: () => void;
  campaign: Campaign;
  edit: (change: (campaign: Campaign) => Campaign, key?: string) => void;
  problems: Problem[];
}

/** What a campaign sends to each destination that it uses. */
export function AttributesDialog({ opened, close, ...rest }: Props) {
  const used = usedDestinations(rest.campaign);
  const [chosen, choose] = useState<string | null>(null);
  const destinations = useQuery({ ...destinationsQuery, enabled: opened });
  const kinds = useQuery({ ...kindsQuery, enabled: opened });
  const all = (destinations.data ?? []).map(({ destination }) => destination);
  const id = chosen && used.includes(chosen) ? chosen : (used[0] ?? null);
  const destination = all.find((one) => one.id === id);
  const kind = kinds.data?.find((one) => one.kind === destination?.kind);
  return (
    <Modal opened={opened} onClose={close} size={1120} title="Edit attributes">
      {used.length === 0 ? (
        <Text size="sm" c="dimmed">
          No treatment of this campaign has a destination yet. Choose destinations first; what is sent to each is set here.
        </Text>
      ) : (
        <Stack>
          <Select
            label="Select destination"
            description="Its settings hold for all groups of this campaign that use it"
            w={360}
            allowDeselect={false}
            data={used.map((value) => ({ value, label: all.find((one) => one.id === value)?.name ?? value }))}
            value={id}
            onChange={choose}
          />
          {(destinations.isPending || kinds.isPending) && <Loading what="destinations" />}
          {id && destination && kind && <Attributes key={id} id={id} kind={kind} {...rest} />}
          <Group justify="flex-end">
            <Button onClick={close}>Done</Button>
          </Group>
        </Stack>
      )}
    </Modal>
  );
}

interface AttributesProps extends Omit<Props, 'opened' | 'close'> {
  id: string;
  kind: Schemas['KindSpec'];
}

function Attributes({ id, kind, campaign, edit, problems }: AttributesProps) {
  const defaults = useQuery(defaultsQuery(id));
  const own = campaign.destinations?.[id]?.attributes;
  const mappings = own ?? defaults.data?.attributes ?? [];
  if (defaults.isError) return <Failure title="The default attributes cannot be shown" error={defaults.error} />;
  if (defaults.isPending) return <Loading what="attributes" />;
  const path = `destinations.${id}.attributes`;
  const elsewhere = problems.filter((problem) => problem.path === `destinations.${id}`);
  return (
    <Stack gap="sm">
      {elsewhere.length > 0 && (
        <Alert color="red" variant="light" p="xs" role="alert">
          <ProblemList problems={elsewhere} paths={false} />
        </Alert>
      )}
      <AttributeTable kind={kind} mappings={mappings} defaults={defaults.data.attributes} problems={problems} path={path}
        put={(next) => edit((now) => setUse(now, id, { attributes: next }), path)}
        reset={own ? () => edit((now) => setUse(now, id, { attributes: undefined })) : undefined} />
      <Group align="flex-start">
        {kind.memberships.length > 0 && (
          <Select label="What a delivery does to the list" w={300} clearable placeholder={`As by default: ${kind.memberships[0]}`}
            data={kind.memberships} value={campaign.destinations?.[id]?.membership ?? null}
            onChange={(membership) => edit((now) => setUse(now, id, { membership: membership as Schemas['Membership'] | null }))} />
        )}
        <TextInput label={`Name of each ${kind.list.noun}`} style={{ flex: 1 }} placeholder={kind.list.name_template}
          value={campaign.destinations?.[id]?.name ?? ''}
          onChange={(event) => {
            const name = event.currentTarget.value;
            edit((now) => setUse(now, id, { name }), `destinations.${id}.name`);
          }}
          error={problemsAt(problems, `destinations.${id}.name`)[0]?.reason} />
      </Group>
    </Stack>
  );
}
