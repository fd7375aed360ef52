import type { ProbeCount } from "../../core/usage/node_report.ts";

/** What is counted: a probe of a container, and how it ended. */
export type CountedProbe = Omit<ProbeCount, "count">;

/** How often probes have ended how, of pods that are on the node. */
export class ProbeCounts {
  readonly #counts = new Map<string, ProbeCount>();

  add(probe: CountedProbe): void {
    const { podUid, container, kind, result } = probe;
    const key = `${podUid} ${container} ${kind} ${result}`;
    const count = (this.#counts.get(key)?.count ?? 0) + 1;
    this.#counts.set(key, { ...probe, count });
  }

  /** A pod has gone. */
  forget(podUid: string): void {
    for (const [key, count] of this.#counts) if (count.podUid === podUid) this.#counts.delete(key);
  }

  all(): readonly ProbeCount[] {
    return [...this.#counts.values()];
  }
}
