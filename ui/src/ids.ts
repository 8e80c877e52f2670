// Ids of what is made: slugs of names, as the server makes and takes them.

/** The id of a name: lower case, with `_` for what an id cannot have. */
export function idOf(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .slice(0, 80);
}

/** A name that no other has, nor its id: the next number behind it. */
export function freeName(name: string, taken: readonly string[]): string {
  let free = name;
  for (let number = 2; taken.includes(idOf(free)); number += 1) {
    free = `${name} ${number}`;
  }
  return free;
}
