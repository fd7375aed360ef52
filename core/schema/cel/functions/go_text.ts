/** A text as Go's `%q` prints it. */
export function goQuoted(text: string): string {
  return JSON.stringify(text);
}
