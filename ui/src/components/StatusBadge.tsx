import { Badge } from '@mantine/core';

const colors: Record<string, string> = {
  draft: 'gray',
  ready: 'tide',
  scheduled: 'indigo',
  running: 'blue',
  assigning: 'blue',
  staging: 'blue',
  sending: 'blue',
  delivering: 'blue',
  submitted: 'cyan',
  delivered: 'green',
  succeeded: 'green',
  finished: 'green',
  partial: 'yellow',
  error: 'red',
  failed: 'red',
  cancelled: 'gray',
  archived: 'gray',
};

/** Where a campaign, run or delivery stands, in the server's word. */
export function StatusBadge({ status }: { status: string }) {
  const color = colors[status] ?? 'gray';
  return (
    <Badge variant="dot" color={color} miw="max-content" tt="none" fw={500} radius="sm" c="var(--mantine-color-text)">
      {status}
    </Badge>
  );
}
