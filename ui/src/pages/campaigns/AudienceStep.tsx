import { Group, MultiSelect, SimpleGrid, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Problem, Schemas } from '../../api/client';
import { problemsAt, textAt } from '../../api/problems';
import { segmentsQuery } from '../../api/queries';
import { Count } from '../../components';
import { shown } from '../../components/Count';
import type { Campaign } from './campaign';
import { Step } from './Step';

interface Props {
  campaign: Campaign;
  edit: (change: (campaign: Campaign) => Campaign) => void;
  problems: Problem[];
  counts: Schemas['CampaignCounts'] | undefined;
  counting: boolean;
}

/** Who the campaign is about: the customers of some segments without those of others. */
export function AudienceStep({ campaign, edit, problems, counts, counting }: Props) {
  const segments = useQuery(segmentsQuery);
  const data = (segments.data ?? []).map(({ segment }) => ({ value: segment.id, label: segment.name }));
  const names = new Map(data.map(({ value, label }) => [value, label]));
  const own = [...problemsAt(problems, 'include'), ...problemsAt(problems, 'exclude')];
  const excluded = campaign.exclude ?? [];
  return (
    <Step
      number={1}
      title="Audience"
      problems={own.filter((problem) => problem.severity === 'error').length}
      aside={<Count value={counts?.audience.customers} counting={counting} of="customers" fw={600} size="lg" />}
    >
      <SimpleGrid cols={2} spacing="lg">
        <Stack gap="xs">
          <MultiSelect
            label="Include"
            description="The customers of any of 1 to 10 segments"
            placeholder={campaign.include.length === 0 ? 'Choose segments' : undefined}
            searchable
            hidePickedOptions
            maxValues={10}
            data={data}
            value={campaign.include}
            onChange={(include) => edit((now) => ({ ...now, include }))}
            error={textAt(problems, 'include')}
          />
          <Lines lines={counts?.included ?? []} names={names} />
        </Stack>
        <Stack gap="xs">
          <MultiSelect
            label="Exclude"
            description="Without the customers of any of these, up to 10"
            placeholder={excluded.length === 0 ? 'Choose segments' : undefined}
            searchable
            hidePickedOptions
            maxValues={10}
            data={data}
            value={excluded}
            onChange={(exclude) => edit((now) => ({ ...now, exclude }))}
            error={textAt(problems, 'exclude')}
          />
          <Lines lines={counts?.excluded ?? []} names={names} negative />
          {counts && counts.always_excluded > 0 && (
            <Line label="Always excluded by the workspace" value={counts.always_excluded} negative />
          )}
        </Stack>
      </SimpleGrid>
    </Step>
  );
}

interface LinesProps {
  lines: Schemas['SegmentCount'][];
  names: Map<string, string>;
  negative?: boolean;
}

function Lines({ lines, names, negative }: LinesProps) {
  return lines.map((line) => (
    <Line
      key={line.segment}
      label={names.get(line.segment) ?? line.segment}
      value={line.customers}
      negative={negative}
    />
  ));
}

function Line({ label, value, negative }: { label: string; value: number; negative?: boolean }) {
  return (
    <Group justify="space-between" gap="xs">
      <Text size="sm">{label}</Text>
      <Text size="sm" fw={500} c={negative ? 'var(--taken)' : undefined}>
        {negative ? `−${shown(value)}` : shown(value)}
      </Text>
    </Group>
  );
}
