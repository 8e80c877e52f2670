import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';

import { kindsQuery } from '../../api/queries';
import { Failure, Loading } from '../../components';
import { DestinationForm } from './DestinationForm';
import { Missing } from './Missing';

/** A new destination of a kind. */
export default function NewDestinationPage() {
  const { kind: name } = useParams({ strict: false });
  const kinds = useQuery(kindsQuery);
  if (kinds.error) {
    return <Failure title="The kinds cannot be shown" error={kinds.error} />;
  }
  if (!kinds.data) {
    return <Loading what="the kind" />;
  }
  const kind = kinds.data.find((one) => one.kind === name);
  return kind ? (
    <DestinationForm key={kind.kind} kind={kind} />
  ) : (
    <Missing title={`There is no kind ${name}`} />
  );
}
