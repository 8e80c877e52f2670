import { Anchor } from '@mantine/core';
import { IconMapQuestion } from '@tabler/icons-react';
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Link, Outlet, redirect, useRouterState } from '@tanstack/react-router';
import type { ComponentType } from 'react';
import { Empty, Failure } from './components';
import { Gate } from './session/Gate';
import { Shell } from './shell/Shell';

const SET_UP = '/set-up';

/** Everything is for who is logged in, but the page that makes the first user. */
function Root() {
  const path = useRouterState({ select: (state) => state.location.pathname });
  return path === SET_UP ? <Outlet /> : <Gate><Shell /></Gate>;
}

const root = createRootRoute({
  component: Root,
  notFoundComponent: () => (
    <Empty icon={IconMapQuestion} title="There is no such page" action={<Anchor component={Link} to="/campaigns">Go to the campaigns</Anchor>}>
      The address may be mistyped, or what it named was removed.
    </Empty>
  ),
  errorComponent: ({ error, reset }) => <Failure title="This page failed" error={error} retry={reset} />,
});

/** A page at a path, loaded when it is first looked at. Pages are default exports. */
const page = <P extends string>(path: P, load: () => Promise<{ default: ComponentType }>) =>
  createRoute({ getParentRoute: () => root, path, component: lazyRouteComponent(load) });

/** Activity, of all campaigns or of one. */
const runs = createRoute({
  getParentRoute: () => root,
  path: '/runs',
  component: lazyRouteComponent(() => import('./pages/runs/RunsPage')),
  validateSearch: ({ campaign }: Record<string, unknown>): { campaign?: string } =>
    typeof campaign === 'string' ? { campaign } : {},
});

const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/campaigns' });
  },
});

const settings = createRoute({
  getParentRoute: () => root,
  path: '/settings',
  beforeLoad: () => {
    throw redirect({ to: '/settings/$section', params: { section: 'workspace' } });
  },
});

const tree = root.addChildren([
  home,
  page(SET_UP, () => import('./session/SetUpPage')),
  page('/campaigns', () => import('./pages/campaigns/CampaignsPage')),
  page('/campaigns/$campaign', () => import('./pages/campaigns/CampaignPage')),
  page('/segments', () => import('./pages/segments/SegmentsPage')),
  page('/segments/new', () => import('./pages/segments/NewSegmentPage')),
  page('/segments/$segment', () => import('./pages/segments/SegmentPage')),
  page('/destinations', () => import('./pages/destinations/DestinationsPage')),
  page('/destinations/$destination', () => import('./pages/destinations/DestinationPage')),
  page('/destinations/new/$kind', () => import('./pages/destinations/NewDestinationPage')),
  page('/sources', () => import('./pages/sources/SourcesPage')),
  page('/sources/connect', () => import('./pages/sources/NewSourcePage')),
  page('/sources/connect/$source', () => import('./pages/sources/SourcePage')),
  page('/sources/$table', () => import('./pages/sources/TablePage')),
  runs,
  settings,
  page('/settings/$section', () => import('./pages/settings/SettingsPage')),
  page('/runs/$run', () => import('./pages/runs/RunPage')),
]);

export const router = createRouter({ routeTree: tree, defaultPreload: 'intent', scrollRestoration: true });

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
