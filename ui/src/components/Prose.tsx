import { Code } from '@mantine/core';
import { Fragment } from 'react';

/** A text of the server, whose names and values are in backticks. */
export function Prose({ text }: { text: string }) {
  return text.split('`').map((part, at) => (at % 2 === 1 ? <Code key={at}>{part}</Code> : <Fragment key={at}>{part}</Fragment>));
}
