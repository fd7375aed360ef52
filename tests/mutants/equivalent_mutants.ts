import type { LineMutant } from "./auto.ts";

/** A mutant that no test can catch, because the code means the same with it. */
export interface EquivalentMutant {
  file: string;
  /** The whole line, without blanks around it. */
  was: string;
  /** Absent: the line is dropped. */
  becomes?: string;
  reason: string;
}

/** Each was looked at by hand. Where the code can be written so that the mutant is none, that is better. */
export const EQUIVALENT_MUTANTS: readonly EquivalentMutant[] = [
  {
    file: "core/scheduler/node_states.ts",
    was: ".sort((a, b) => a.name < b.name ? -1 : 1);",
    becomes: ".sort((a, b) => a.name <= b.name ? -1 : 1);",
    reason: "Nodes have names of their own.",
  },
  {
    file: "core/scheduler/node_states.ts",
    was: ".sort((a, b) => a.name < b.name ? -1 : 1);",
    becomes: ".sort((a, b) => a.name < b.name ? -1 : 2);",
    reason: "Only the sign of a comparison counts.",
  },
  {
    file: "core/controllers/apps/deletion_order.ts",
    was: "return a[index]! < b[index]! ? -1 : 1;",
    becomes: "return a[index]! <= b[index]! ? -1 : 1;",
    reason: "The parts at this index differ.",
  },
  {
    file: "core/controllers/apps/deletion_order.ts",
    was: "return a[index]! < b[index]! ? -1 : 1;",
    becomes: "return a[index]! < b[index]! ? -1 : 2;",
    reason: "Only the sign of a comparison counts.",
  },
  {
    file: "proxy/backends/least_busy.ts",
    was: "for (let i = 0; i < endpoints.length; i++) {",
    becomes: "for (let i = 0; i <= endpoints.length; i++) {",
    reason: "The first one is looked at again, and is not less busy than itself.",
  },
  {
    file: "core/controllers/apps/pod_replicas.ts",
    was: "workers: 4,",
    becomes: "workers: 5,",
    reason: "How many are looked at at once changes no outcome.",
  },
  {
    file: "core/controllers/apps/pod_replicas.ts",
    was: "if (count <= 0) return [];",
    becomes: "if (count < 0) return [];",
    reason: "The first 0 pods are none.",
  },
];

export function isEquivalent(file: string, { was, becomes }: LineMutant): boolean {
  return EQUIVALENT_MUTANTS.some((known) =>
    known.file === file && known.was === was.trim() && known.becomes === becomes?.trim()
  );
}
