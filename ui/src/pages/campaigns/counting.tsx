import { createContext, useContext, type ComponentProps } from 'react';
import { Count } from '../../components';

/** Whether the campaign is being counted. It changes with each key, so that only numbers hear of it, and no card. */
export const Counting = createContext(false);

/** A count of the campaign. */
export const LiveCount = (props: Omit<ComponentProps<typeof Count>, 'counting'>) => <Count {...props} counting={useContext(Counting)} />;
