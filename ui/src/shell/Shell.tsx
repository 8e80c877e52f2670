import {
  ActionIcon, AppShell, Box, Button, Group, Kbd, NavLink, Text, Tooltip, useComputedColorScheme, useMantineColorScheme,
} from '@mantine/core';
import { IconMoon, IconSearch, IconSun } from '@tabler/icons-react';
import { Link, Outlet, useRouterState } from '@tanstack/react-router';
import { WhoAmI } from '../session/WhoAmI';
import { navigation } from './navigation';
import { openSearch, Search } from './Search';

/** What is around every page: navigation at the left, search, light and dark. */
export function Shell() {
  const path = useRouterState({ select: (state) => state.location.pathname });
  return (
    <AppShell navbar={{ width: 216, breakpoint: 0 }} padding="lg">
      <a className="skip" href="#main">
        Skip to the page
      </a>
      <AppShell.Navbar p="sm" bg="var(--card)" aria-label="Main">
        <Group gap={10} px={8} py={6} mb="sm" wrap="nowrap">
          <img src="/icon.svg" width={26} height={26} alt="" />
          <Text fw={650} size="lg">
            Consign
          </Text>
        </Group>
        <Button
          variant="default"
          fullWidth
          justify="space-between"
          fw={500}
          mb="sm"
          leftSection={<IconSearch size={16} aria-hidden />}
          rightSection={<Kbd size="xs">/</Kbd>}
          onClick={openSearch}
        >
          Search
        </Button>
        <Box component="ul" m={0} p={0} style={{ listStyle: 'none', flex: 1 }}>
          {navigation.map(({ to, label, icon: Shape }) => {
            const active = path === to || path.startsWith(`${to}/`);
            return (
              <li key={to}>
                <NavLink
                  component={Link}
                  to={to}
                  label={label}
                  active={active}
                  aria-current={active ? 'page' : undefined}
                  leftSection={<Shape size={18} stroke={1.7} aria-hidden />}
                  style={{ borderRadius: 'var(--mantine-radius-md)' }}
                />
              </li>
            );
          })}
        </Box>
        <WhoAmI />
        <Scheme />
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1}>
        <Box maw={1320} mx="auto">
          <Outlet />
        </Box>
      </AppShell.Main>
      <Search />
    </AppShell>
  );
}

function Scheme() {
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme('light') === 'dark';
  const label = dark ? 'Use light colours' : 'Use dark colours';
  return (
    <Tooltip label={label} position="right">
      <ActionIcon size="lg" color="gray" aria-label={label} onClick={() => setColorScheme(dark ? 'light' : 'dark')}>
        {dark ? <IconSun size={18} aria-hidden /> : <IconMoon size={18} aria-hidden />}
      </ActionIcon>
    </Tooltip>
  );
}
