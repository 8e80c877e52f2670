import { List, Text } from '@mantine/core';
import { IconAlertCircle, IconAlertTriangle } from '@tabler/icons-react';
import type { Problem } from '../api/client';
import { sentence } from './Failure';
import { Words } from './Words';

interface Props {
  problems: Problem[];
  /** Whether each says where in the definition it is. */
  paths?: boolean;
}

/** Problems in the server's own words: what is wrong, and what to do. */
export function ProblemList({ problems, paths = true }: Props) {
  if (problems.length === 0) return null;
  return (
    <List size="sm" spacing={4} listStyleType="none" pl={0}>
      {problems.map((problem, at) => {
        const error = problem.severity === 'error';
        const Shape = error ? IconAlertCircle : IconAlertTriangle;
        return (
          <List.Item
            key={`${problem.path} ${at}`}
            icon={<Shape size={16} color={`var(--mantine-color-${error ? 'red' : 'yellow'}-text)`} aria-label={problem.severity} />}
          >
            <Words text={`${sentence(problem.reason)}: ${problem.remedy}.`} />
            {paths && problem.path && (
              <Text component="span" size="xs" c="dimmed" ml={6} ff="monospace">
                {problem.path}
              </Text>
            )}
          </List.Item>
        );
      })}
    </List>
  );
}
