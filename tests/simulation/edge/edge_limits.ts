import type { Node } from "../../../core/resources/core/nodes/nodes.ts";
import type { Pod } from "../../../core/resources/core/pods/pods.ts";
import type { StoreEvent } from "../../../core/store/store.ts";
import type { RouteTable } from "../../../proxy/table/route_table.ts";
import type { SimulatedMachine } from "../machine.ts";
import type { PodFacts, PodLedger } from "../pod_facts.ts";
import { EDGE_GRACE_MS } from "./edge_scenario.ts";

const UNREACHABLE = "node.kubernetes.io/unreachable";
/** What everybody tolerates; who wants the same is taken for one of them. */
const DEFAULT_SECONDS = 300;
/** Kubernetes: one node in ten seconds; less what the write of the first one took. */
const BETWEEN_NODES_MS = 9_500;
/** What has lasted this long is known to every controller … */
const KNOWN_MS = 2_000;
/** … unless its server failed so recently. */
const TROUBLE_MS = 130_000;
/** Times on the wire are whole seconds. */
const ROUNDING_MS = 1_000;
/** An agent that has been up for this long alone runs what it has kept. */
const ALONE_MS = 20_000;
/** Writes, back-offs, and the turn of each node. */
const EVICTION_SLACK_MS = 90_000;

/** What is known of one node. Times are elapsed ms. */
interface NodeFacts {
  ready: string | undefined;
  isOffline: boolean;
  /** Since when its condition Ready is `Unknown`, and since when it is offline or is not. */
  lostMs: number;
  offlineMs: number;
  autonomyMs: number;
  autonomySetMs: number;
  isEvicting: boolean;
}

export interface EdgeOptions {
  elapsedMs: () => number;
  serverTroubleMs: () => number;
  /** Since when the server runs. */
  serverUpMs: () => number;
  /** When its clock was last set; `-Infinity`: never. */
  serverClockMs: () => number;
  /** Since when the link of a machine is cut; `undefined` when it is not. */
  cutMs: (machine: string) => number | undefined;
}

/**
 * What is promised to nodes that are away, whoever fails:
 *
 * - Pods are evicted from a node only after it was lost for its grace, the time that it is left alone, and the time that
 *   they tolerate; node by node; and never while all nodes are away. After a start of the server all that begins anew.
 * - Pods of a node that is offline stay ready in the API, and others send nothing to them.
 * - Pods of one name never run at once on one machine.
 * - What runs and should is not ended: neither by a cut, nor by its end, nor by a start of the agent.
 * - An agent that starts without a server runs what it has kept.
 */
export class EdgeLimits {
  readonly #pods: PodLedger;
  readonly #options: EdgeOptions;
  readonly #nodes = new Map<string, NodeFacts>();
  /** Pods that are marked as evicted, by uid. */
  readonly #evicted = new Set<string>();
  /** How long pods stay on a node that is lost: as they say, or all. */
  readonly #stayMs = new Map<string, { ms: number; isOwn: boolean }>();
  #allAwayMs = Infinity;
  /** When all nodes last were away: then everything began anew. */
  #lastAwayMs = -Infinity;
  #evictingMs = -Infinity;

  constructor(pods: PodLedger, options: EdgeOptions) {
    this.#pods = pods;
    this.#options = options;
  }

  /** A node as it is now. Returns what is wrong with the change. */
  nodeSeen(type: StoreEvent["type"], node: Node): string | undefined {
    const { name } = node.metadata;
    const nowMs = this.#options.elapsedMs();
    const before = this.#nodes.get(name);
    if (type === "DELETED") this.#nodes.delete(name);
    else this.#nodes.set(name, factsOf(node, before, nowMs));
    const all = [...this.#nodes.values()];
    const areAway = all.length > 0 && all.every(({ ready }) => ready !== "True");
    if (areAway || this.#allAwayMs !== Infinity) this.#lastAwayMs = nowMs;
    this.#allAwayMs = areAway ? Math.min(this.#allAwayMs, nowMs) : Infinity;
    const isNew = type !== "DELETED" && this.#nodes.get(name)!.isEvicting && !before?.isEvicting;
    if (!isNew) return undefined;
    const sinceMs = nowMs - Math.max(this.#evictingMs, 0);
    const isFirst = this.#evictingMs < this.#options.serverUpMs();
    this.#evictingMs = nowMs;
    if (!isFirst && sinceMs < BETWEEN_NODES_MS) {
      return `pods of ${name} are to be evicted ${sinceMs} ms after those of another node`;
    }
    return undefined;
  }

  /** A pod as it is now, before the ledger has taken it. Returns what is wrong with the change. */
  podSeen(pod: Pod): string | undefined {
    const { uid, name, deletionTimestamp } = pod.metadata;
    this.#stayMs.set(uid, stayOf(pod));
    const facts = this.#pods.of(uid);
    const node = this.#nodes.get(pod.spec.nodeName ?? "");
    if (facts === undefined || node === undefined) return undefined;
    const isEvicted = pod.status.conditions?.some(({ type, reason, status }) =>
      type === "DisruptionTarget" && status === "True" && reason === "DeletionByTaintManager"
    );
    if (isEvicted && !this.#evicted.has(uid)) {
      this.#evicted.add(uid);
      const fault = this.#evictionFault(uid, node);
      return fault && `pod ${name} on ${pod.spec.nodeName} is evicted ${fault}`;
    }
    const isReady = pod.status.conditions?.some(({ type, status }) =>
      type === "Ready" && status === "True"
    );
    const nowMs = this.#options.elapsedMs();
    const isCut = nowMs - (this.#options.cutMs(pod.spec.nodeName!) ?? Infinity) > KNOWN_MS;
    const isLeft = node.isOffline && isCut && deletionTimestamp === undefined &&
      nowMs - node.lostMs + ROUNDING_MS < this.#aloneMs(node) &&
      facts.finishedMs === undefined && !["Succeeded", "Failed"].includes(pod.status.phase);
    return isLeft && facts.isReady && !isReady
      ? `pod ${name} is marked as not ready although ${pod.spec.nodeName} is offline`
      : undefined;
  }

  #evictionFault(uid: string, node: NodeFacts): string | undefined {
    const nowMs = this.#options.elapsedMs();
    const { ms: stayMs, isOwn } = this.#stayMs.get(uid)!;
    const isKnown = (sinceMs: number) => nowMs - sinceMs > this.#patienceMs();
    if (isKnown(this.#allAwayMs)) return "although all nodes are away";
    if (node.ready !== "Unknown") return undefined; // it has just come back, or has reported something
    if (node.isOffline && !isOwn && isKnown(node.offlineMs)) return "from a node that is offline";
    const lostForMs = nowMs - node.lostMs + ROUNDING_MS;
    if (lostForMs < stayMs) return `${lostForMs} ms after its node was lost`;
    const aloneMs = isOwn || !isKnown(node.autonomySetMs) ? 0 : this.#aloneMs(node);
    if (lostForMs < stayMs + aloneMs) return `${lostForMs} ms after its node was left alone`;
    const upForMs = nowMs - this.#options.serverUpMs() + ROUNDING_MS;
    return upForMs < stayMs + EDGE_GRACE_MS
      ? `${upForMs} ms after a start of the server`
      : undefined;
  }

  /** How long a node is left alone at least. A server that starts counts by a clock that may have been set. */
  #aloneMs({ lostMs, autonomyMs }: NodeFacts): number {
    const { serverUpMs, serverClockMs } = this.#options;
    return serverClockMs() > lostMs && serverUpMs() > lostMs ? 0 : autonomyMs;
  }

  #patienceMs(): number {
    const sinceMs = this.#options.elapsedMs() - this.#options.serverTroubleMs();
    return sinceMs < TROUBLE_MS ? TROUBLE_MS : KNOWN_MS;
  }

  /** A container is asked to end. Returns what is wrong with that. */
  stopping(machine: SimulatedMachine, uid: string): string | undefined {
    const pod = this.#pods.of(uid);
    const isMainRunning = machine.runtime.containers.some(({ podUid, name, state }) =>
      podUid === uid && name === "main" && state === "running"
    );
    return pod?.isActive && isMainRunning
      ? `pod ${pod.name} is ended on ${machine.name} although it should run`
      : undefined;
  }

  /** Returns what is wrong with what runs. */
  machines(machines: readonly SimulatedMachine[]): string | undefined {
    for (const { name, runtime } of machines) {
      const byName = new Map<string, string>();
      for (const { podNamespace, podName, podUid, state } of runtime.containers) {
        if (state !== "running") continue;
        const other = byName.get(`${podNamespace}/${podName}`) ?? podUid;
        if (other !== podUid) return `two pods ${podName} run on ${name}`;
        byName.set(`${podNamespace}/${podName}`, podUid);
      }
    }
    return undefined;
  }

  /** Returns what is wrong with where requests go. */
  routed({ backends }: RouteTable): string | undefined {
    const nowMs = this.#options.elapsedMs();
    for (const { podUid } of backends.flatMap(({ endpoints }) => endpoints)) {
      const pod = this.#pods.of(podUid);
      const node = this.#nodes.get(pod?.nodeName ?? "");
      const isCut = pod?.nodeName !== undefined && this.#options.cutMs(pod.nodeName) !== undefined;
      if (isCut && node?.ready === "Unknown" && nowMs - node.lostMs > this.#patienceMs()) {
        return `requests go to ${pod!.name} on ${pod!.nodeName}, which is away`;
      }
    }
    return undefined;
  }

  /** The cut of a machine ends. `upMs`: since when its agent runs without a fault. Returns what is wrong. */
  cutEnds(machine: SimulatedMachine, cutMs: number, upMs: number): string | undefined {
    const nowMs = this.#options.elapsedMs();
    const kept = machine.keptPods();
    const idle = nowMs - Math.max(upMs, cutMs) < ALONE_MS
      ? undefined
      : kept.find((pod) =>
        !machine.runtime.containers.some(({ podUid, name, state }) =>
          podUid === pod.metadata.uid && name === "main" && state === "running"
        )
      );
    if (idle) return `${machine.name} does not run ${idle.metadata.name}, which it has kept`;
    return this.#overdueFault(machine.name);
  }

  /** Who is away for too long is evicted. */
  #overdueFault(name: string): string | undefined {
    const nowMs = this.#options.elapsedMs();
    const node = this.#nodes.get(name);
    const isCalm = nowMs - this.#options.serverClockMs() > LONG_MS &&
      nowMs - this.#options.serverTroubleMs() > LONG_MS && this.#allAwayMs === Infinity &&
      nowMs - this.#lastAwayMs > LONG_MS;
    if (node?.ready !== "Unknown" || !isCalm || nowMs - node.autonomySetMs < LONG_MS) {
      return undefined;
    }
    const late = [...this.#pods.all].find((pod) =>
      pod.nodeName === name && pod.isActive && this.#isOverdue(pod, node, nowMs)
    );
    return late && `pod ${late.name} is still wanted on ${name}, which is away for too long`;
  }

  #isOverdue({ uid }: PodFacts, node: NodeFacts, nowMs: number): boolean {
    const { ms, isOwn } = this.#stayMs.get(uid)!;
    const aloneMs = isOwn ? 0 : node.autonomyMs;
    return nowMs - node.lostMs > aloneMs + ms + EDGE_GRACE_MS + EVICTION_SLACK_MS;
  }
}

/** As long as anything takes but the longest autonomy. */
const LONG_MS = 420_000;

function factsOf(node: Node, before: NodeFacts | undefined, nowMs: number): NodeFacts {
  const ready = node.status.conditions?.find(({ type }) => type === "Ready");
  const isLost = ready?.status === "Unknown";
  const isOffline = isLost && ready.reason === "Offline";
  const autonomyMs = millisecondsOf(node.metadata.annotations?.["coracle.dev/autonomy"]);
  return {
    ready: ready?.status,
    isOffline,
    lostMs: !isLost ? Infinity : before?.ready === "Unknown" ? before.lostMs : nowMs,
    offlineMs: before?.isOffline === isOffline ? before.offlineMs : nowMs,
    autonomyMs,
    autonomySetMs: before?.autonomyMs === autonomyMs ? before.autonomySetMs : nowMs,
    isEvicting:
      node.spec.taints?.some(({ key, effect }) => key === UNREACHABLE && effect === "NoExecute") ??
        false,
  };
}

/** The words that the simulator uses. */
function millisecondsOf(autonomy: string | undefined): number {
  if (autonomy === undefined) return 0;
  return autonomy === "forever" ? Infinity : Number.parseInt(autonomy) * 60_000;
}

function stayOf({ spec: { tolerations = [] } }: Pod): { ms: number; isOwn: boolean } {
  const own = tolerations.find(({ key, effect }) => key === UNREACHABLE && effect === "NoExecute");
  const seconds = own ? own.tolerationSeconds ?? Infinity : DEFAULT_SECONDS;
  return { ms: seconds * 1_000, isOwn: seconds !== DEFAULT_SECONDS };
}
