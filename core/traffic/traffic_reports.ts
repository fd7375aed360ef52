import type { View } from "../client/client.ts";
import type { Clock } from "../lib/clock.ts";
import { conditionOf } from "../resources/conditions.ts";
import { type Node, nodes } from "../resources/core/nodes/nodes.ts";
import type { KubeObject } from "../resources/resource.ts";
import { type RolloutSet, servedSetOf } from "./rollout_sets.ts";
import type { ServedKind, ServedTraffic, SetCounts, TrafficReport, Way } from "./served_traffic.ts";

/** Counts of a node elsewhere that are older than this are stale. */
const COUNTS_AGE_MS_MAX = 30_000;
/** For how long after a question nodes elsewhere send counts as often as they can, and how often that is. */
const ASKED_MS = 300_000;
const COUNTS_MS = 5_000;
/** How often a node elsewhere repeats its report, which a server that was restarted has lost. */
const REPEAT_MS = 60_000;

/** Counts of the proxy of a node, without its name. */
export type OwnCounts = Omit<SetCounts, "proxy" | "isStale">;

export interface TrafficReportsOptions {
  view: Pick<View, "get" | "subscribe">;
  clock: Pick<Clock, "elapsed">;
  /** The proxy of this process; absent: it has none. */
  own?: { node: string; counts(): Promise<readonly OwnCounts[]> };
}

interface Sent {
  report: TrafficReport;
  counts: readonly OwnCounts[];
  takenMs: number;
}

/** The reports of all proxies, the last of each. In memory: proxies repeat them to a server that has been restarted. */
export class TrafficReports implements ServedTraffic {
  readonly #options: TrafficReportsOptions;
  readonly #sent = new Map<string, Sent>();
  readonly #listeners = new Set<(namespaces: ReadonlySet<string>) => void>();
  #askedMs = -Infinity;

  constructor(options: TrafficReportsOptions) {
    this.#options = options;
  }

  /** Notes which nodes can be reached, until the returned stop is called. */
  followNodes(): () => void {
    const reachable = new Map<string, boolean>();
    return this.#options.view.subscribe(nodes, ({ type, object }) => {
      const { name } = object.metadata, sent = this.#sent.get(name);
      if (sent === undefined) return;
      const isNow = type !== "DELETED" && isReady(object);
      if (type === "DELETED") this.#sent.delete(name);
      if (reachable.get(name) === isNow) return;
      reachable.set(name, isNow);
      this.#tell(namespacesOf(sent.report));
    });
  }

  /** Takes the report of a node's proxy. Returns when the next one is wanted, if nothing changes before. */
  take(
    node: string,
    report: TrafficReport,
    counts: readonly OwnCounts[] = [],
  ): { nextMs: number } {
    const nowMs = this.#options.clock.elapsed();
    const before = this.#sent.get(node)?.report;
    this.#sent.set(node, { report, counts, takenMs: nowMs });
    this.#tell(changedNamespaces(before, report));
    return { nextMs: nowMs - this.#askedMs < ASKED_MS ? COUNTS_MS : REPEAT_MS };
  }

  serves(kind: ServedKind, { metadata: { resourceVersion } }: KubeObject): boolean {
    const wanted = Number(resourceVersion);
    if (this.#isOwnUnknown()) return false;
    for (const [, { versions }] of this.#reachable()) {
      if ((versions[kind] ?? 0) < wanted) return false;
    }
    return true;
  }

  waysTo({ namespace, hash }: RolloutSet): readonly Way[] {
    const ways: Way[] = this.#isOwnUnknown()
      ? [{ service: "", by: "request", proxy: this.#options.own!.node }] // it may have gone on from before a restart
      : [];
    for (const [proxy, { shared, addressed, busy }] of this.#reachable()) {
      for (
        const [by, keys] of [["share", shared], ["address", addressed], ["request", busy]] as const
      ) {
        for (const key of keys) {
          const set = servedSetOf(key);
          if (set.namespace !== namespace || set.hash !== hash) continue;
          ways.push({ service: set.service, by, proxy });
        }
      }
    }
    return ways;
  }

  onChange(listener: (namespaces: ReadonlySet<string>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async counts(namespace: string): Promise<readonly SetCounts[]> {
    const { clock, own } = this.#options;
    const nowMs = this.#askedMs = clock.elapsed();
    const all: SetCounts[] = (await own?.counts() ?? []).map((counts) => ({
      ...counts,
      proxy: own!.node,
    }));
    for (const [proxy, { counts, takenMs }] of this.#sent) {
      const stale = nowMs - takenMs > COUNTS_AGE_MS_MAX && { isStale: true as const };
      all.push(...counts.map((each) => ({ ...each, proxy, ...stale })));
    }
    return all.filter((counts) => counts.namespace === namespace);
  }

  /** Whether the proxy of this process has not said anything yet. */
  #isOwnUnknown(): boolean {
    const { own } = this.#options;
    return own !== undefined && !this.#sent.has(own.node);
  }

  *#reachable(): Generator<[string, TrafficReport]> {
    const { own, view } = this.#options;
    for (const [node, { report }] of this.#sent) {
      const found = node === own?.node ? undefined : view.get(nodes, { name: node });
      if (node === own?.node || (found !== undefined && isReady(found))) yield [node, report];
    }
  }

  #tell(namespaces: ReadonlySet<string>): void {
    if (namespaces.size === 0) return;
    for (const listener of this.#listeners) listener(namespaces);
  }
}

function isReady({ status }: Node): boolean {
  return conditionOf(status.conditions, "Ready")?.status === "True";
}

/** Where the answers of {@linkcode TrafficReports} may be others after a report. */
function changedNamespaces(
  before: TrafficReport | undefined,
  after: TrafficReport,
): ReadonlySet<string> {
  const namespaces = new Set(after.changed);
  for (const list of ["shared", "addressed", "busy"] as const) {
    const [former, present] = [new Set(before?.[list]), new Set(after[list])];
    for (const key of former.symmetricDifference(present)) {
      namespaces.add(servedSetOf(key).namespace);
    }
  }
  return namespaces;
}

function namespacesOf({ shared, addressed, busy }: TrafficReport): ReadonlySet<string> {
  return new Set([...shared, ...addressed, ...busy].map((key) => servedSetOf(key).namespace));
}
