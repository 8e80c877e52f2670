import { useQuery } from '@tanstack/react-query';
import type { operations } from '../api/schema';
import { meQuery } from './session';

/** Why one may not use an operation of the API; undefined where one may. The server says it, and no page knows a rule. */
export function useWhyNot(): (operation: keyof operations) => string | undefined {
  const { data: me } = useQuery(meQuery);
  return (operation) => (!me || me.may.includes(operation) ? undefined : `Your role, ${me.role}, may not do this: ask an admin`);
}
