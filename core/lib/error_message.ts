/** What was thrown, in its own words: the message of an error, or whatever else it is as text. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
