import { IconPlugConnectedX } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';

import { Empty } from '../../components';

/** Nothing is at this address. */
export function Missing({ title }: { title: string }) {
  return (
    <Empty icon={IconPlugConnectedX} title={title} action={<Link to="/destinations">Go to the destinations</Link>}>
      It may have been removed, or the address is mistyped.
    </Empty>
  );
}
