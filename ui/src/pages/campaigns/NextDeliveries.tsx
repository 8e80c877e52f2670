import { Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { api, ask } from '../../api/client';
import type { Schedule } from './campaign';
import { dated } from './timing';

interface Props {
  campaign: string;
  schedule: Schedule;
  /** Whether something is wrong with the schedule: it has no times then. */
  wrong: boolean;
}

/** The next five deliveries on a line, as the server will keep them. */
export function NextDeliveries({ campaign, schedule, wrong }: Props) {
  const [asked] = useDebouncedValue(JSON.stringify(schedule), 400);
  const times = useQuery({
    queryKey: ['campaigns', campaign, 'times', asked],
    queryFn: ({ signal }) =>
      ask(api.POST('/campaigns/{campaign}/times', { params: { path: { campaign } }, body: JSON.parse(asked) as Schedule, signal })),
    enabled: !wrong && schedule !== 'manual' && schedule !== 'as_soon_as_possible',
    placeholderData: (before) => before,
    retry: false,
  });
  if (wrong || !times.data || typeof schedule === 'string') return null;
  const { next, time_zone } = times.data;
  if (next.length === 0) {
    return (
      <Text size="sm" c="dimmed" role="status">
        It does not run any more: its last time is over.
      </Text>
    );
  }
  return (
    <div>
      <Text size="sm" fw={500} id="next-deliveries">
        Next deliveries{' '}
        <Text span size="xs" c="dimmed">
          by the clocks of {time_zone}
        </Text>
      </Text>
      <ol className="times" aria-labelledby="next-deliveries">
        {next.map((time) => {
          const { day, clock } = dated(time, time_zone);
          return (
            <li key={time}>
              <time dateTime={time}>
                <Text span size="sm" fw={500}>
                  {day}
                </Text>{' '}
                <Text span size="xs" c="dimmed">
                  {clock}
                </Text>
              </time>
            </li>
          );
        })}
      </ol>
    </div>
  );
}
