import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useCustomers } from '../../api/counts';
import { Count } from '../../components';
import { shown } from '../../components/Count';
import { ConditionBuilder } from '../../conditions/ConditionBuilder';
import { complete } from '../../conditions/model';
import { setCondition } from './campaign';
import type { CardSetting } from './SubAudiencesStep';

interface Props {
  opened: boolean;
  close: () => void;
  at: number;
  setting: CardSetting;
}

/** Says who is in a sub-audience, with how many of all customers that would be. */
export function ConditionDialog({ opened, close, at, setting }: Props) {
  const sub = setting.campaign.sub_audiences?.[at];
  const where = sub?.where ?? { all: [] };
  const { customers, counting, error } = useCustomers(opened && complete(where) ? { condition: where } : null);
  const inIt = setting.counts?.audience.sub_audiences[at]?.customers;
  return (
    <Modal opened={opened} onClose={close} size={960} title={`Who is in “${sub?.name ?? ''}”`}>
      <Stack>
        <ConditionBuilder
          value={where}
          onChange={(next) => setting.edit((now) => setCondition(now, at, next), `sub_audiences[${at}].where`)}
          path={`sub_audiences[${at}].where`}
          problems={setting.problems}
        />
        <Group justify="space-between">
          <Text size="sm" role="status" component="div">
            {complete(where) ? (
              <>
                It holds for <Count value={customers?.customers} counting={counting} fw={600} size="sm" /> of{' '}
                {shown(customers?.all)} customers; <Count value={inIt} counting={setting.counting} fw={600} size="sm" /> of
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
