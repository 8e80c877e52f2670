import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';

import { destinationsQuery, kindsQuery } from '../../api/queries';
import { Failure, Loading } from '../../components';
import { DestinationForm } from './DestinationForm';
import { Missing } from './Missing';

/** A new destination of a kind. */
export default function NewDestinationPage() {
  const { kind: name } = useParams({ strict: false });
  const kinds = useQuery(kindsQuery);
  const destinations = useQuery(destinationsQuery);
  const error = kinds.error ?? destinations.error;
  if (error) {
    return <Failure title="The kind cannot be shown" error={error} />;
  }
  if (!kinds.data || !destinations.data) {
    return <Loading what="the kind" />;
  }
  const kind = kinds.data.find((one) => one.kind === name);
  return kind ? (
    <DestinationForm key={kind.kind} kind={kind} taken={destinations.data.map((one) => one.destination.id)} />
  ) : (
    <Missing title={`There is no kind ${name}`} />
  );
}
