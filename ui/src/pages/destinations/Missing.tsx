import { IconPlugConnectedX } from '@tabler/icons-react';
import { Empty, TextLink } from '../../components';

/** Nothing is at this address. */
export function Missing({ title }: { title: string }) {
  return (
    <Empty icon={IconPlugConnectedX} title={title} action={<TextLink to="/destinations">Go to the destinations</TextLink>}>
      It may have been removed, or the address is mistyped.
    </Empty>
  );
}
