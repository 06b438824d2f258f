const MOST_CHARACTERS = 100;

/** What a client sent, as far as a message repeats it. */
export function cut(text: string): string {
  return text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS)}…`;
}
