import { IconUsersGroup } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';

import { segmentsQuery } from '../../api/queries';
import { Empty, Failure, Loading, TextLink } from '../../components';
import { SegmentForm } from './SegmentForm';

/** A segment that there is. */
export default function SegmentPage() {
  const { segment: id } = useParams({ strict: false });
  const segments = useQuery(segmentsQuery);
  if (segments.error) {
    return <Failure title="The segment cannot be shown" error={segments.error} />;
  }
  if (!segments.data) {
    return <Loading what="the segment" />;
  }
  const line = segments.data.find((one) => one.segment.id === id);
  return line ? (
    <SegmentForm key={line.segment.id} line={line} />
  ) : (
    <Empty
      icon={IconUsersGroup}
      title={`There is no segment ${id}`}
      action={<TextLink to="/segments">Go to the segments</TextLink>}
    >
      It may have been removed, or the address is mistyped.
    </Empty>
  );
}
