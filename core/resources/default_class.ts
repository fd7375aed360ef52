import type { KubeObject } from "./resource.ts";

/** Of several classes that are marked as the default the newest counts, and of those the first by name. */
export function newestDefault(marked: readonly KubeObject[]): string | undefined {
  const byAge = marked.map(({ metadata }) => metadata).toSorted((a, b) =>
    b.creationTimestamp.localeCompare(a.creationTimestamp) || (a.name < b.name ? -1 : 1)
  );
  return byAge[0]?.name;
}
