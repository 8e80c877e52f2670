import { Tabs } from '@mantine/core';
import { useNavigate, useParams } from '@tanstack/react-router';
import { lazy, Suspense, type ComponentType } from 'react';
import type { operations } from '../../api/schema';
import { Loading, PageHeader } from '../../components';
import { useWhyNot } from '../../session/useMay';

interface Section {
  id: string;
  label: string;
  /** What one must be allowed to look at it. */
  needs: keyof operations;
  Page: ComponentType;
}

/** What can be set, in order; each is loaded when it is first looked at. */
const SECTIONS: Section[] = [
  { id: 'workspace', label: 'Workspace', needs: 'get_workspace', Page: lazy(() => import('./WorkspaceSection')) },
  { id: 'attributes', label: 'Default attributes', needs: 'get_default_attributes', Page: lazy(() => import('./AttributesSection')) },
  { id: 'users', label: 'Users', needs: 'list_users', Page: lazy(() => import('./UsersSection')) },
  { id: 'tokens', label: 'API tokens', needs: 'list_tokens', Page: lazy(() => import('./TokensSection')) },
  { id: 'account', label: 'Your account', needs: 'change_password', Page: lazy(() => import('./AccountSection')) },
  { id: 'audit', label: 'Audit log', needs: 'list_audit', Page: lazy(() => import('./AuditSection')) },
];

/** What holds for the whole workspace. */
export default function SettingsPage() {
  const { section } = useParams({ from: '/settings/$section' });
  const navigate = useNavigate();
  const whyNot = useWhyNot();
  const sections = SECTIONS.filter(({ needs }) => !whyNot(needs));
  return (
    <>
      <PageHeader title="Settings">What holds for the whole workspace, whichever campaign.</PageHeader>
      <Tabs
        value={section}
        keepMounted={false}
        onChange={(next) => next && void navigate({ to: '/settings/$section', params: { section: next } })}
      >
        <Tabs.List mb="md">
          {sections.map(({ id, label }) => (
            <Tabs.Tab key={id} value={id}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {sections.map(({ id, label, Page }) => (
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
