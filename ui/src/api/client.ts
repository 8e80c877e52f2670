import createClient from 'openapi-fetch';
import type { components, paths } from './schema';

export type Schemas = components['schemas'];
export type Problem = Schemas['Problem'];

/** The API. Its types are made from `openapi.json`. */
export const api = createClient<paths>({ baseUrl: '/api/v1' });

/** Why a request was not done, from its problem details. */
export class Refused extends Error {
  readonly status: number;
  readonly problems: Problem[];

  constructor(status: number, detail: string, problems: Problem[] = []) {
    super(detail);
    this.name = 'Refused';
    this.status = status;
    this.problems = problems;
  }
}

let unknown: () => void = () => undefined;

/** Says what is to happen where the server does not know, or not any more, who asks. */
export const onUnknown = (tell: () => void) => {
  unknown = tell;
};

interface Answered<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** What was answered; throws `Refused` where the answer is an error, or there is none. */
export async function ask<T>(request: Promise<Answered<T>>): Promise<NonNullable<T>> {
  return (await askTagged(request)).data;
}

/** The same, with the tag for an edit. */
export async function askTagged<T>(request: Promise<Answered<T>>): Promise<{ data: NonNullable<T>; tag: string }> {
  let answer: Answered<T>;
  try {
    answer = await request;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Refused(0, 'the server does not answer: see whether `consign serve` runs');
  }
  if (!answer.response.ok) {
    const details = answer.error as Partial<Schemas['ProblemDetails']> | undefined;
    const status = answer.response.status;
    if (status === 401) unknown();
    throw new Refused(status, details?.detail ?? `the server answered ${status}`, details?.problems ?? []);
  }
  return { data: (answer.data ?? {}) as NonNullable<T>, tag: answer.response.headers.get('ETag') ?? '' };
}

/** All items of a list, page by page. */
export async function all<T>(
  page: (cursor: string | undefined) => Promise<Answered<{ items: T[]; next?: string | null }>>,
): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const answer = await ask(page(cursor));
    items.push(...answer.items);
    cursor = answer.next ?? undefined;
  } while (cursor);
  return items;
}
