import { SegmentForm } from './SegmentForm';

/** A segment that is being made. */
export default function NewSegmentPage() {
  return <SegmentForm />;
}
