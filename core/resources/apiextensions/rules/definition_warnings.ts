import type { Definition } from "../definition/definition.ts";

/** What a client should know of a definition that is accepted. */
export function definitionWarnings(_next: Definition): string[] {
  return [];
}
