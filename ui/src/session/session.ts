/** Who uses the pages, and whether the server still knows them. */
import { queryOptions } from '@tanstack/react-query';
import { api, ask, onUnknown, type Schemas } from '../api/client';

export type Me = Schemas['Me'];
export type Role = Schemas['Role'];

export const ROLES: { value: Role; label: string; may: string }[] = [
  { value: 'viewer', label: 'Viewer', may: 'looks at campaigns and runs' },
  { value: 'editor', label: 'Editor', may: 'also prepares campaigns and segments' },
  { value: 'operator', label: 'Operator', may: 'also publishes and runs campaigns' },
  { value: 'admin', label: 'Admin', may: 'also decides where data may go, and who may do what' },
];

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: () => ask(api.GET('/me')),
  staleTime: Infinity,
  retry: false,
});

let over = false;
const watchers = new Set<() => void>();
const beginners = new Set<() => void>();

const set = (now: boolean) => {
  if (over === now) return;
  over = now;
  watchers.forEach((tell) => tell());
};

onUnknown(() => set(true));

/** Whether the server does not know any more who one is. */
export const isOver = () => over;

export const watch = (tell: () => void) => {
  watchers.add(tell);
  return () => void watchers.delete(tell);
};

/** Somebody has logged in: what could not be done before is done now. */
export const begun = () => {
  set(false);
  beginners.forEach((tell) => tell());
};

/** Does something again whenever somebody has logged in. */
export const onBegun = (tell: () => void) => {
  beginners.add(tell);
  return () => void beginners.delete(tell);
};
