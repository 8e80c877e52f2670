import { Group, NumberInput, SegmentedControl, Select, Stack, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Problem } from '../../api/client';
import { problemsAt, textAt } from '../../api/problems';
import { workspaceQuery } from '../../api/queries';
import { CADENCES, cadenceOf, ENDS, endOf, LAUNCHES, launchOf, scheduleOf, SCHEDULES, type Word, wordOf } from './timing';
import type { Campaign, Schedule } from './campaign';
import { NextDeliveries } from './NextDeliveries';
import { Step } from './Step';

interface Props {
  campaign: Campaign;
  edit: (change: (campaign: Campaign) => Campaign, key?: string) => void;
  problems: Problem[];
}

const ZONES = Intl.supportedValuesOf('timeZone');

/** When the campaign runs, and when it starts downstream. */
export function TimingStep({ campaign, edit, problems }: Props) {
  const { schedule } = campaign;
  const own = [...problemsAt(problems, 'schedule'), ...problemsAt(problems, 'launch')];
  const put = (next: Schedule, key?: string) => edit((now) => ({ ...now, schedule: next }), key);
  const word = wordOf(schedule);
  return (
    <Step number={3} title="Timing" problems={own.filter((problem) => problem.severity === 'error').length}>
      <Stack gap="sm">
        <SegmentedControl
          aria-label="When it runs"
          data={SCHEDULES}
          value={word}
          onChange={(next) => put(scheduleOf(next as Word<typeof SCHEDULES>, schedule))}
          style={{ alignSelf: 'flex-start' }}
        />
        {typeof schedule === 'object' && 'at' in schedule && (
          <Group align="flex-start">
            <TextInput
              type="datetime-local"
              label="At"
              value={schedule.at.time}
              onChange={(event) => put({ at: { ...schedule.at, time: event.currentTarget.value } }, 'schedule')}
              error={textAt(problems, 'schedule.at.time')}
            />
            <Zone value={schedule.at.time_zone} onChange={(time_zone) => put({ at: { ...schedule.at, time_zone } })} error={textAt(problems, 'schedule.at.time_zone')} />
          </Group>
        )}
        {typeof schedule === 'object' && 'recurring' in schedule && (
          <Recurring value={schedule.recurring} onChange={(recurring, key) => put({ recurring }, key)} problems={problems} />
        )}
        <NextDeliveries campaign={campaign.id} schedule={schedule} wrong={problemsAt(problems, 'schedule').length > 0} />
        <Launch campaign={campaign} edit={edit} problems={problems} />
      </Stack>
    </Step>
  );
}

type Every = Extract<Schedule, { recurring: unknown }>['recurring'];

interface RecurringProps {
  value: Every;
  onChange: (recurring: Every, key?: string) => void;
  problems: Problem[];
}

function Recurring({ value, onChange, problems }: RecurringProps) {
  const at = 'schedule.recurring';
  const every = typeof value.every === 'string' ? value.every : 'cron';
  const end = typeof value.end === 'string' ? 'never' : 'on' in value.end ? 'on' : 'after';
  return (
    <Group align="flex-start">
      <Select label="How often" w={150} allowDeselect={false} data={CADENCES} value={every}
        onChange={(word) => onChange({ ...value, every: cadenceOf(word as Word<typeof CADENCES>, value.every) })} error={textAt(problems, `${at}.every`)} />
      {typeof value.every === 'object' && (
        <TextInput label="Cron expression" w={170} placeholder="0 9 * * 1" value={value.every.cron}
          onChange={(event) => onChange({ ...value, every: { cron: event.currentTarget.value } }, 'cron')} />
      )}
      <TextInput type="datetime-local" label="First on" value={value.start}
        onChange={(event) => onChange({ ...value, start: event.currentTarget.value }, 'start')} error={textAt(problems, `${at}.start`)} />
      <Zone value={value.time_zone} onChange={(time_zone) => onChange({ ...value, time_zone })} error={textAt(problems, `${at}.time_zone`)} />
      <Select label="Ends" w={150} allowDeselect={false} data={ENDS} value={end}
        onChange={(word) => onChange({ ...value, end: endOf(word as Word<typeof ENDS>) })} />
      {typeof value.end === 'object' && 'on' in value.end && (
        <TextInput type="date" label="Last day" value={value.end.on}
          onChange={(event) => onChange({ ...value, end: { on: event.currentTarget.value } }, 'end')} error={textAt(problems, `${at}.end`)} />
      )}
      {typeof value.end === 'object' && 'after' in value.end && (
        <NumberInput label="Times" w={100} min={1} allowDecimal={false} value={value.end.after}
          onChange={(after) => typeof after === 'number' && onChange({ ...value, end: { after } }, 'end')} error={textAt(problems, `${at}.end`)} />
      )}
    </Group>
  );
}

function Launch({ campaign, edit, problems }: Props) {
  const launch = campaign.launch ?? null;
  const word = launch === null ? 'none' : 'on' in launch ? 'on' : 'after';
  const put = (next: Campaign['launch'], key?: string) =>
    edit(({ launch: _, ...now }) => (next ? { ...now, launch: next } : now), key);
  return (
    <Group align="flex-start">
      <Select label="Launch date" description="When it starts downstream; results are measured from it" w={330}
        allowDeselect={false} data={LAUNCHES} value={word} onChange={(next) => put(launchOf(next as Word<typeof LAUNCHES>))} />
      {launch && 'on' in launch && (
        <TextInput type="date" label="Day" description="In the time zone of the schedule" value={launch.on}
          onChange={(event) => put({ on: event.currentTarget.value }, 'launch')} error={textAt(problems, 'launch')} />
      )}
      {launch && 'days_after_delivery' in launch && (
        <NumberInput label="Days" description="After the delivery" w={140} min={0} allowDecimal={false} value={launch.days_after_delivery}
          onChange={(days) => typeof days === 'number' && put({ days_after_delivery: days }, 'launch')} error={textAt(problems, 'launch')} />
      )}
    </Group>
  );
}

function Zone({ value, onChange, error }: { value: string | null | undefined; onChange: (zone: string | undefined) => void; error?: string }) {
  const workspace = useQuery(workspaceQuery);
  return (
    <div>
      <Select label="Time zone" w={220} searchable clearable placeholder={workspace.data?.time_zone} data={ZONES}
        value={value ?? null} onChange={(zone) => onChange(zone ?? undefined)} error={error} />
      {!value && <Text size="xs" c="dimmed">the workspace's</Text>}
    </div>
  );
}
