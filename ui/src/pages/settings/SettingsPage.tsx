import { Tabs } from '@mantine/core';
import { useNavigate, useParams } from '@tanstack/react-router';
import { lazy, Suspense, type ComponentType } from 'react';
import { Loading, PageHeader } from '../../components';

interface Section {
  id: string;
  label: string;
  Page: ComponentType;
}

/** What can be set, in order; each is loaded when it is first looked at. */
const SECTIONS: Section[] = [
  { id: 'workspace', label: 'Workspace', Page: lazy(() => import('./WorkspaceSection')) },
  { id: 'attributes', label: 'Default attributes', Page: lazy(() => import('./AttributesSection')) },
  { id: 'audit', label: 'Audit log', Page: lazy(() => import('./AuditSection')) },
];

/** What holds for the whole workspace. */
export default function SettingsPage() {
  const { section } = useParams({ from: '/settings/$section' });
  const navigate = useNavigate();
  return (
    <>
      <PageHeader title="Settings">What holds for the whole workspace, whichever campaign.</PageHeader>
      <Tabs
        value={section}
        keepMounted={false}
        onChange={(next) => next && void navigate({ to: '/settings/$section', params: { section: next } })}
      >
        <Tabs.List mb="md">
          {SECTIONS.map(({ id, label }) => (
            <Tabs.Tab key={id} value={id}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {SECTIONS.map(({ id, label, Page }) => (
          <Tabs.Panel key={id} value={id}>
            <Suspense fallback={<Loading what={label.toLowerCase()} />}>
              <Page />
            </Suspense>
          </Tabs.Panel>
        ))}
      </Tabs>
    </>
  );
}
