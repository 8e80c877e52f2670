import { Fragment } from 'react';

import { TextLink } from '../../components';

/** Campaigns, each a link, in one line. */
export function CampaignLinks({ campaigns }: { campaigns: string[] }) {
  return campaigns.map((campaign, at) => (
    <Fragment key={campaign}>
      {at > 0 && ', '}
      <TextLink to="/campaigns/$campaign" params={{ campaign }}>
        {campaign}
      </TextLink>
    </Fragment>
  ));
}
