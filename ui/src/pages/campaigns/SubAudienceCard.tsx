import { useSortable } from '@dnd-kit/sortable';
import { CSS } from '@dnd-kit/utilities';
import { ActionIcon, Alert, Button, Group, Menu, Paper, Stack, Text, TextInput, Title } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconArrowDown, IconArrowUp, IconDots, IconFilter, IconGripVertical, IconTrash } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { memo, type ReactNode } from 'react';
import type { Problem, Schemas } from '../../api/client';
import { problemsAt, textAt } from '../../api/problems';
import { segmentsQuery, tablesQuery } from '../../api/queries';
import { Count, ProblemList } from '../../components';
import { inWords } from '../../conditions/words';
import { type Edit, type Group as TreatmentGroup, moveSub, removeSub, renameSub, type SubAudience } from './campaign';
import { ConditionDialog } from './ConditionDialog';
import { GroupTable } from './GroupTable';

interface CardProps {
  edit: Edit;
  /** Those of this card. */
  problems: Problem[];
  count: Schemas['SubAudienceCounts'] | undefined;
  /** Whether ids of what is renamed are kept, since lists go by them. */
  published: boolean;
}

interface SubAudienceProps extends CardProps {
  at: number;
  isLast: boolean;
  sub: SubAudience;
}

/** Whether a card would be the same: sixty of them are not drawn anew for a key that is typed into one. */
function same<P extends CardProps>(before: P, after: P): boolean {
  const { problems: old, ...rest } = before;
  const { problems, ...now } = after;
  const names = Object.keys(now) as (keyof typeof now)[];
  return names.every((name) => Object.is(rest[name], now[name])) && old.length === problems.length && problems.every((one, at) => one === old[at]);
}

/** A sub-audience: who is in it, and its groups. */
export const SubAudienceCard = memo(function SubAudienceCard({ at, isLast, sub, edit, problems, count, published }: SubAudienceProps) {
  const [opened, { open, close }] = useDisclosure(false);
  const tables = useQuery(tablesQuery);
  const segments = useQuery(segmentsQuery);
  const { attributes, listeners, setNodeRef, setActivatorNodeRef, transform, transition, isDragging } = useSortable({ id: at + 1 });
  const path = `sub_audiences[${at}]`;
  const names = new Map((segments.data ?? []).map(({ segment }) => [segment.id, segment.name]));
  const wrong = problemsAt(problems, `${path}.where`);
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
          <Count className="live" value={count?.customers} of="customers" fw={500} pt={6} />
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
              <Menu.Item leftSection={<IconArrowDown size={14} aria-hidden />} disabled={isLast} onClick={() => edit((now) => moveSub(now, at, at + 1))}>
                Move down
              </Menu.Item>
              <Menu.Item color="red" leftSection={<IconTrash size={14} aria-hidden />} onClick={() => edit((now) => removeSub(now, at))}>
                Remove “{sub.name}” and its groups
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </Group>
        <Problems>{wrong.length > 0 && <ProblemList problems={wrong} paths={false} />}</Problems>
        <GroupTable whose={at} groups={sub.groups} edit={edit} problems={problems} published={published} counts={count?.groups} />
      </Stack>
      <ConditionDialog opened={opened} close={close} at={at} sub={sub} edit={edit} problems={problems} customers={count?.customers} />
    </Paper>
  );
}, same);

/** The customers whom no sub-audience matches; always there. */
export const RemainingCard = memo(function RemainingCard({ groups, edit, problems, count, published }: CardProps & { groups: TreatmentGroup[] }) {
  const none = groups.length === 0;
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
          <Count className="live" value={count?.customers} of="customers" fw={500} />
        </Group>
        <GroupTable whose="remaining" groups={groups} edit={edit} problems={problems} published={published} counts={count?.groups} />
      </Stack>
    </Paper>
  );
}, same);

const Problems = ({ children }: { children: ReactNode }) =>
  children ? (
    <Alert color="red" variant="light" p="xs">
      {children}
    </Alert>
  ) : null;
