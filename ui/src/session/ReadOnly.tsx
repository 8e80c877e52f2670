import { Alert } from '@mantine/core';
import type { ReactNode } from 'react';
import type { operations } from '../api/schema';
import { useWhyNot } from './useMay';

/** What only they can change who may use that operation; the others look at it. */
export function ReadOnly({ unless, children }: { unless: keyof operations; children: ReactNode }) {
  const reason = useWhyNot()(unless);
  return (
    <>
      {reason && (
        <Alert color="gray" variant="light" mb="md" title="You look at this, and cannot change it">
          {reason}.
        </Alert>
      )}
      <fieldset className="plain" disabled={reason !== undefined}>
        {children}
      </fieldset>
    </>
  );
}
