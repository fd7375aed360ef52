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
  {
    file: "proxy/backends/balancer.ts",
    was: "const current = parts.map(() => 0);",
    becomes: "const current = parts.map(() => 1);",
    reason: "They are compared with each other only.",
  },
  {
    file: "proxy/backends/balancer.ts",
    was: "for (let slot = 0; slot < total; slot++) {",
    becomes: "for (let slot = 0; slot <= total; slot++) {",
    reason: "What is written behind the end of a typed array is ignored.",
  },
  {
    file: "proxy/backends/balancer.ts",
    was: "for (let i = 0; i < parts.length; i++) {",
    becomes: "for (let i = 0; i <= parts.length; i++) {",
    reason: "No number is greater or less than NaN.",
  },
  {
    file: "proxy/backends/balancer.ts",
    was: "if (divisor === 0) return [];",
    reason: "A typed array of NaN elements is empty.",
  },
  {
    file: "proxy/backends/balancer.ts",
    was: "if (total <= SLOTS_MAX) return parts;",
    becomes: "if (total < SLOTS_MAX) return parts;",
    reason: "Rounding to as many parts as there are changes none.",
  },
  {
    file: "proxy/connections/connection_slots.ts",
    was: "if (count > 0) this.#counts.set(listener, count);",
    becomes: "if (count >= 0) this.#counts.set(listener, count);",
    reason: "No count is the same as 0.",
  },
  {
    file: "core/store/event_ring.ts",
    was: "if (!event) return;",
    reason: "What has to forget holds something: no limit is below 0.",
  },
  {
    file: "core/store/event_ring.ts",
    was: "if (this.length === 0) return undefined;",
    reason: "Nobody takes from an empty queue: both queues hold each event.",
  },
  {
    file: "core/store/event_ring.ts",
    was: "if (this.#head * 2 > this.#items.length) {",
    becomes: "if (this.#head * 2 >= this.#items.length) {",
    reason: "When room is made changes nothing that is read.",
  },
  {
    file: "core/store/event_ring.ts",
    was: "if (this.#head * 2 > this.#items.length) {",
    becomes: "if (this.#head * 3 > this.#items.length) {",
    reason: "When room is made changes nothing that is read.",
  },
];

export function isEquivalent(file: string, { was, becomes }: LineMutant): boolean {
  return EQUIVALENT_MUTANTS.some((known) =>
    known.file === file && known.was === was.trim() && known.becomes === becomes?.trim()
  );
}
