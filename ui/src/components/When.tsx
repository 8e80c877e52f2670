import { Text, Tooltip } from '@mantine/core';
import dayjs from 'dayjs';
import relative from 'dayjs/plugin/relativeTime';

dayjs.extend(relative);

/** A moment, as far away as it is; the moment itself on request. */
export function When({ at }: { at: string | null | undefined }) {
  if (!at) return <Text component="span" inherit c="dimmed">–</Text>;
  const moment = dayjs(at);
  return (
    <Tooltip label={moment.format('D MMMM YYYY, HH:mm:ss')}>
      <Text component="time" inherit dateTime={at} style={{ whiteSpace: 'nowrap' }}>
        {moment.fromNow()}
      </Text>
    </Tooltip>
  );
}
