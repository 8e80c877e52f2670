import { useSortable } from '@dnd-kit/sortable';
import { CSS } from '@dnd-kit/utilities';
import { ActionIcon, Alert, Button, Group, Menu, Paper, Stack, Text, TextInput, Title } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconArrowDown, IconArrowUp, IconDots, IconFilter, IconGripVertical, IconTrash } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { problemsAt, textAt } from '../../api/problems';
import { segmentsQuery, tablesQuery } from '../../api/queries';
import { Count, ProblemList } from '../../components';
import { inWords } from '../../conditions/words';
import { moveSub, removeSub, renameSub } from './campaign';
import { ConditionDialog } from './ConditionDialog';
import { GroupTable } from './GroupTable';
import type { CardSetting } from './SubAudiencesStep';

/** A sub-audience: who is in it, and its groups. */
export function SubAudienceCard({ at, setting }: { at: number; setting: CardSetting }) {
  const { campaign, edit, problems, counts, counting, published } = setting;
  const [opened, { open, close }] = useDisclosure(false);
  const tables = useQuery(tablesQuery);
  const segments = useQuery(segmentsQuery);
  const { attributes, listeners, setNodeRef, setActivatorNodeRef, transform, transition, isDragging } = useSortable({ id: at + 1 });
  const subs = campaign.sub_audiences ?? [];
  const sub = subs[at];
  if (!sub) return null;
  const path = `sub_audiences[${at}]`;
  const names = new Map((segments.data ?? []).map(({ segment }) => [segment.id, segment.name]));
  const wrong = problemsAt(problems, `${path}.where`);
  const count = counts?.audience.sub_audiences[at];
  const style = { transform: CSS.Translate.toString(transform), transition, opacity: isDragging ? 0.7 : 1 };
  return (
    <Paper withBorder ref={setNodeRef} style={style} p="sm" role="group" aria-label={`Sub-audience ${sub.name}`}>
      <Stack gap="sm">
        <Group gap="xs" wrap="nowrap" align="flex-start">
          <ActionIcon
            ref={setActivatorNodeRef}
            color="gray"
            mt={2}
            aria-label={`Move ${sub.name}`}
            style={{ cursor: 'grab', touchAction: 'none' }}
            {...attributes}
            {...listeners}
          >
            <IconGripVertical size={16} aria-hidden />
          </ActionIcon>
          <TextInput
            aria-label="Name of the sub-audience"
            w={260}
            value={sub.name}
            onChange={(event) => {
              const name = event.currentTarget.value;
              edit((now) => renameSub(now, at, name, published), `${path}.name`);
            }}
            error={textAt(problems, `${path}.name`)}
          />
          <Text size="sm" c="dimmed" pt={7} style={{ flex: 1, minWidth: 0 }} lineClamp={2}>
            {inWords(sub.where, tables.data ?? [], names)}
          </Text>
          <Count value={count?.customers} counting={counting} of="customers" fw={500} pt={6} />
          <Button variant="default" size="compact-md" mt={3} leftSection={<IconFilter size={14} aria-hidden />} onClick={open}>
            Edit
          </Button>
          <Menu position="bottom-end">
            <Menu.Target>
              <ActionIcon color="gray" mt={3} aria-label={`Actions of ${sub.name}`}>
                <IconDots size={16} aria-hidden />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item leftSection={<IconArrowUp size={14} aria-hidden />} disabled={at === 0} onClick={() => edit((now) => moveSub(now, at, at - 1))}>
                Move up
              </Menu.Item>
              <Menu.Item leftSection={<IconArrowDown size={14} aria-hidden />} disabled={at === subs.length - 1} onClick={() => edit((now) => moveSub(now, at, at + 1))}>
                Move down
              </Menu.Item>
              <Menu.Item color="red" leftSection={<IconTrash size={14} aria-hidden />} onClick={() => edit((now) => removeSub(now, at))}>
                Remove “{sub.name}” and its groups
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </Group>
        <Problems>{wrong.length > 0 && <ProblemList problems={wrong} paths={false} />}</Problems>
        <GroupTable whose={at} setting={setting} counts={count?.groups} />
      </Stack>
      <ConditionDialog opened={opened} close={close} at={at} setting={setting} />
    </Paper>
  );
}

/** The customers whom no sub-audience matches; always there. */
export function RemainingCard({ setting }: { setting: CardSetting }) {
  const { campaign, counts, counting } = setting;
  const count = counts?.audience.sub_audiences.at(-1);
  const none = (campaign.remaining ?? []).length === 0;
  return (
    <Paper withBorder p="sm" role="group" aria-label="Remaining audience members" style={{ borderStyle: 'dashed' }}>
      <Stack gap="sm">
        <Group gap="xs" justify="space-between">
          <div>
            <Title order={3} size="h5">
              Remaining audience members
            </Title>
            <Text size="sm" c="dimmed">
              {none ? 'No sub-audience matches them. They are counted, and sent nowhere.' : 'No sub-audience matches them.'}
            </Text>
          </div>
          <Count value={count?.customers} counting={counting} of="customers" fw={500} />
        </Group>
        <GroupTable whose="remaining" setting={setting} counts={count?.groups} />
      </Stack>
    </Paper>
  );
}

const Problems = ({ children }: { children: ReactNode }) =>
  children ? (
    <Alert color="red" variant="light" p="xs">
      {children}
    </Alert>
  ) : null;
