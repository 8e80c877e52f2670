import { Autocomplete, Group, TagsInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Problem } from '../../api/client';
import { textAt } from '../../api/problems';
import { allCampaignsQuery } from '../../api/queries';
import type { Campaign } from './campaign';
import { choices } from './list';

interface Props {
  campaign: Campaign;
  edit: (change: (campaign: Campaign) => Campaign, key?: string) => void;
  problems: Problem[];
}

/** The folder and the labels by which a campaign is found among others. */
export function Place({ campaign, edit, problems }: Props) {
  const lines = useQuery(allCampaignsQuery).data ?? [];
  const setFolder = (folder: string) =>
    edit(({ folder: _, ...now }) => (folder ? { ...now, folder } : now), 'folder');
  return (
    <Group gap="xs" align="flex-start" mt={4}>
      <Autocomplete
        size="xs"
        w={170}
        aria-label="Folder"
        placeholder="Folder"
        maxLength={80}
        data={choices(lines, 'folder')}
        value={campaign.folder ?? ''}
        onChange={setFolder}
        error={textAt(problems, 'folder')}
      />
      <TagsInput
        size="xs"
        miw={220}
        aria-label="Labels"
        placeholder={campaign.labels?.length ? '' : 'Labels'}
        data={choices(lines, 'label')}
        value={campaign.labels ?? []}
        onChange={(labels) => edit((now) => ({ ...now, labels }))}
        error={textAt(problems, 'labels')}
      />
    </Group>
  );
}
