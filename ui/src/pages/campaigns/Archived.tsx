import { Alert, Button, Group, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { api, ask } from '../../api/client';
import { Failure } from '../../components';
import { useWhyNot } from '../../session/useMay';
import type { DraftState } from './useDraft';

/** Says over the builder that the campaign is put away, and takes it out of the archive. */
export function Archived({ id, draft }: { id: string; draft: DraftState }) {
  const bringBack = useMutation({
    mutationFn: () => ask(api.POST('/campaigns/{campaign}/bring_back', { params: { path: { campaign: id } } })),
    // A draft says it as well, and would put the campaign away again.
    onSuccess: () => (draft.changed ? draft.edit(({ archived: _, ...now }) => now) : draft.reload()),
  });
  const whyNot = useWhyNot()('bring_back_campaign');
  return (
    <Alert color="gray" title="This campaign is archived" role="status">
      <Group justify="space-between">
        <Text size="sm">It is not run, and has no schedule. What it sent stays on record.</Text>
        <Button size="xs" variant="default" loading={bringBack.isPending} disabled={!!whyNot} title={whyNot} onClick={() => bringBack.mutate()}>
          Bring back
        </Button>
      </Group>
      {bringBack.error && <Failure title="It could not be brought back" error={bringBack.error} />}
    </Alert>
  );
}
