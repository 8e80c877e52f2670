import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import type { Problem } from '../../api/client';
import { useCustomers } from '../../api/counts';
import { Count } from '../../components';
import { shown } from '../../components/Count';
import { ConditionBuilder } from '../../conditions/ConditionBuilder';
import { complete } from '../../conditions/model';
import { type Edit, setCondition, type SubAudience } from './campaign';

interface Props {
  opened: boolean;
  close: () => void;
  at: number;
  sub: SubAudience;
  edit: Edit;
  problems: Problem[];
  /** How many of the audience are in it. */
  customers: number | undefined;
}

/** Says who is in a sub-audience, with how many of all customers that would be. */
export function ConditionDialog({ opened, close, at, sub, edit, problems, customers: inIt }: Props) {
  const { where } = sub;
  const { customers, counting, error } = useCustomers(opened && complete(where) ? { condition: where } : null);
  return (
    <Modal opened={opened} onClose={close} size={960} title={`Who is in “${sub.name}”`}>
      <Stack>
        <ConditionBuilder
          value={where}
          onChange={(next) => edit((now) => setCondition(now, at, next), `sub_audiences[${at}].where`)}
          path={`sub_audiences[${at}].where`}
          problems={problems}
        />
        <Group justify="space-between">
          <Text size="sm" role="status" component="div">
            {complete(where) ? (
              <>
                It holds for <Count value={customers?.customers} counting={counting} fw={600} size="sm" /> of{' '}
                {shown(customers?.all)} customers; <Count className="live" value={inIt} fw={600} size="sm" /> of
                the audience are in this sub-audience.
              </>
            ) : (
              'Complete each condition to see how many customers it holds for.'
            )}
            {error && !counting && <Text size="sm" c="var(--mantine-color-error)">{error.message}</Text>}
          </Text>
          <Button onClick={close}>Done</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
