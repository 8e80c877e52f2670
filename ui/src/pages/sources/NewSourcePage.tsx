import { SourceForm } from './SourceForm';

/** A source that is being connected. */
export default function NewSourcePage() {
  return <SourceForm />;
}
