import { Code } from '@mantine/core';
import { Fragment } from 'react';

/** The server's words, with what it puts between backticks as code. */
export function Words({ text }: { text: string }) {
  return text.split('`').map((part, at) => (at % 2 === 1 ? <Code key={at}>{part}</Code> : <Fragment key={at}>{part}</Fragment>));
}
