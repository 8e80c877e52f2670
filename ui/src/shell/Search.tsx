import { createSpotlight, Spotlight, type SpotlightActionData } from '@mantine/spotlight';
import { IconSearch, IconSpeakerphone } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { campaignsQuery } from '../api/queries';
import { navigation } from './navigation';

const [store, search] = createSpotlight();

export const openSearch = () => search.open();

/** Finds pages and campaigns by name; `/` opens it. */
export function Search() {
  const navigate = useNavigate();
  const [opened, setOpened] = useState(false);
  const campaigns = useQuery({ ...campaignsQuery, enabled: opened });
  const pages: SpotlightActionData[] = navigation.map(({ to, label, icon: Shape }) => ({
    id: to,
    label,
    leftSection: <Shape size={18} aria-hidden />,
    onClick: () => void navigate({ to }),
  }));
  const found: SpotlightActionData[] = (campaigns.data ?? []).map((campaign) => ({
    id: `campaign ${campaign.id}`,
    label: campaign.name,
    description: campaign.status,
    leftSection: <IconSpeakerphone size={18} aria-hidden />,
    onClick: () => void navigate({ to: '/campaigns/$campaign', params: { campaign: campaign.id } }),
  }));
  return (
    <Spotlight
      store={store}
      actions={[
        { group: 'Pages', actions: pages },
        { group: 'Campaigns', actions: found },
      ]}
      shortcut={['/', 'mod + K']}
      nothingFound="Nothing has that name"
      limit={12}
      // Mantine's is too pale on the one that is chosen.
      styles={{ actionDescription: { color: 'inherit', opacity: 1 } }}
      onSpotlightOpen={() => setOpened(true)}
      onSpotlightClose={() => setOpened(false)}
      searchProps={{
        leftSection: <IconSearch size={18} aria-hidden />,
        placeholder: 'Search pages and campaigns',
        'aria-label': 'Search pages and campaigns',
      }}
    />
  );
}
