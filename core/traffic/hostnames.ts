/** Whether all hosts of `narrow` are hosts of `wide`: names, `*.` and a name, or `""` for all. In small letters. */
export function covers(wide: string, narrow: string): boolean {
  if (wide === "" || wide === narrow) return true;
  return wide.startsWith("*.") && narrow.endsWith(wide.slice(1)) && narrow.length > wide.length - 1;
}
