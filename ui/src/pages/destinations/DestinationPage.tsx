import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';

import { destinationsQuery, kindsQuery } from '../../api/queries';
import { Failure, Loading } from '../../components';
import { DestinationForm } from './DestinationForm';
import { Missing } from './Missing';

/** A destination that there is. */
export default function DestinationPage() {
  const { destination: id } = useParams({ strict: false });
  const destinations = useQuery(destinationsQuery);
  const kinds = useQuery(kindsQuery);
  const error = destinations.error ?? kinds.error;
  if (error) {
    return <Failure title="The destination cannot be shown" error={error} />;
  }
  if (!destinations.data || !kinds.data) {
    return <Loading what="the destination" />;
  }
  const detail = destinations.data.find((one) => one.destination.id === id);
  const kind = kinds.data.find((one) => one.kind === detail?.destination.kind);
  return detail && kind ? (
    <DestinationForm key={detail.destination.id} kind={kind} detail={detail} />
  ) : (
    <Missing title={`There is no destination ${id}`} />
  );
}
