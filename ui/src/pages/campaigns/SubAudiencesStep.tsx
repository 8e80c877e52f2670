import { closestCenter, DndContext, type DragEndEvent, KeyboardSensor, PointerSensor, useSensor, useSensors } from '@dnd-kit/core';
import { SortableContext, sortableKeyboardCoordinates, verticalListSortingStrategy } from '@dnd-kit/sortable';
import { Button, Group, Stack, Switch, Text } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { type ReactNode, useMemo } from 'react';
import type { Problem, Schemas } from '../../api/client';
import { problemsAt } from '../../api/problems';
import { addSub, type Campaign, type Edit, type Group as TreatmentGroup, moveSub } from './campaign';
import { Step } from './Step';
import { RemainingCard, SubAudienceCard } from './SubAudienceCard';

// What does not change keeps the cards from being drawn anew.
const BY_POINTER = { activationConstraint: { distance: 4 } };
const BY_KEYBOARD = { coordinateGetter: sortableKeyboardCoordinates };
const NONE: TreatmentGroup[] = [];

export interface CardSetting {
  campaign: Campaign;
  edit: Edit;
  problems: Problem[];
  counts: Schemas['CampaignCounts'] | undefined;
  counting: boolean;
  /** Whether ids of what is renamed are kept, since lists go by them. */
  published: boolean;
}

/** Who gets which treatment, and where their lists go. */
export function SubAudiencesStep({ setting, links }: { setting: CardSetting; links: ReactNode }) {
  const { campaign, edit, problems, counts, counting, published } = setting;
  const subs = campaign.sub_audiences ?? [];
  const counted = counts?.audience.sub_audiences;
  // 0 is no id for what is dragged, so they begin with 1.
  const items = useMemo(() => Array.from({ length: subs.length }, (_, at) => at + 1), [subs.length]);
  const own = ['sub_audiences', 'remaining', 'destinations', 'first_match_only', 'split'].flatMap((path) =>
    problemsAt(problems, path),
  );
  const sensors = useSensors(
    useSensor(PointerSensor, BY_POINTER),
    useSensor(KeyboardSensor, BY_KEYBOARD),
  );
  const drop = ({ active, over }: DragEndEvent) => {
    if (over && active.id !== over.id) edit((now) => moveSub(now, Number(active.id) - 1, Number(over.id) - 1));
  };
  return (
    <Step
      number={2}
      title="Sub-audiences and destinations"
      problems={own.filter((problem) => problem.severity === 'error').length}
      aside={<Group gap="xs">{links}</Group>}
    >
      <Group justify="space-between">
        <Switch
          label="Assign to first match only"
          description="On: a customer is in the first sub-audience that matches. Off: in every one that matches."
          checked={campaign.first_match_only}
          onChange={(event) => {
            const first_match_only = event.currentTarget.checked;
            edit((now) => ({ ...now, first_match_only }));
          }}
        />
        <Button
          variant="light"
          leftSection={<IconPlus size={16} aria-hidden />}
          disabled={subs.length >= 60}
          onClick={() => edit(addSub)}
        >
          Add sub-audience
        </Button>
      </Group>
      {subs.length === 0 && (
        <Text size="sm" c="dimmed">
          There is no sub-audience: the whole audience gets the treatments below.
        </Text>
      )}
      <DndContext sensors={sensors} collisionDetection={closestCenter} onDragEnd={drop}>
        <SortableContext items={items} strategy={verticalListSortingStrategy}>
          {/* Numbers are marked from here, or each card would be drawn anew when a count begins and when it ends. */}
          <Stack gap="md" aria-busy={counting} data-counting={counting}>
            {subs.map((sub, at) => (
              <SubAudienceCard
                key={at}
                at={at}
                isLast={at === subs.length - 1}
                sub={sub}
                edit={edit}
                problems={problemsAt(problems, `sub_audiences[${at}]`)}
                count={counted?.[at]}
                published={published}
              />
            ))}
            <RemainingCard
              groups={campaign.remaining ?? NONE}
              edit={edit}
              problems={problemsAt(problems, 'remaining')}
              count={counted?.at(-1)}
              published={published}
            />
          </Stack>
        </SortableContext>
      </DndContext>
    </Step>
  );
}
