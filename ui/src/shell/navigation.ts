import { IconActivity, IconDatabase, IconPlugConnected, IconSettings, IconSpeakerphone, IconUsersGroup, type Icon } from '@tabler/icons-react';

/** The left navigation, in order. */
export const navigation: { to: string; label: string; icon: Icon }[] = [
  { to: '/campaigns', label: 'Campaigns', icon: IconSpeakerphone },
  { to: '/segments', label: 'Segments', icon: IconUsersGroup },
  { to: '/destinations', label: 'Destinations', icon: IconPlugConnected },
  { to: '/sources', label: 'Sources', icon: IconDatabase },
  { to: '/runs', label: 'Activity', icon: IconActivity },
  { to: '/settings', label: 'Settings', icon: IconSettings },
];
