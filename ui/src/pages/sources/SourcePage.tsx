import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { api, askTagged } from '../../api/client';
import { Failure, Loading } from '../../components';
import { ReadOnly } from '../../session/ReadOnly';
import { SourceForm } from './SourceForm';

/** A source that there is. */
export default function SourcePage() {
  const { source: id = '' } = useParams({ strict: false });
  const source = useQuery({
    queryKey: ['sources', id, 'tagged'],
    queryFn: () => askTagged(api.GET('/sources/{source}', { params: { path: { source: id } } })),
    // Never under the hands of who edits.
    staleTime: Infinity,
    gcTime: 0,
  });
  if (source.error) return <Failure title="The source cannot be shown" error={source.error} />;
  if (!source.data) return <Loading what="the source" />;
  return (
    <ReadOnly unless="put_source">
      <SourceForm key={source.data.tag} saved={{ source: source.data.data, tag: source.data.tag }} />
    </ReadOnly>
  );
}
