import { Badge } from '@mantine/core';

/** What a run leaves behind, where that is not what runs leave. */
export function Mode({ mode }: { mode: string }) {
  return mode === 'real' ? null : (
    <Badge color="grape" variant="light" tt="none" fw={500} radius="sm">
      {mode}
    </Badge>
  );
}
