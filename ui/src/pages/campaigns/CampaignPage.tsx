import { PageHeader } from '../../components';

export default function CampaignPage() {
  return <PageHeader title="Campaign" />;
}
