import { IconSpeakerphone, type Icon } from '@tabler/icons-react';

/** The left navigation, in order. */
export const navigation: { to: string; label: string; icon: Icon }[] = [
  { to: '/campaigns', label: 'Campaigns', icon: IconSpeakerphone },
];
