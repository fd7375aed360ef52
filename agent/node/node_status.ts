import { conditionOf, withTransitionTime } from "../../core/resources/conditions.ts";
import { isRefusal, type Reason } from "../../core/client/api_error.ts";
import type { Client, View } from "../../core/client/client.ts";
import type { EventRecorder } from "../../core/client/event_recorder.ts";
import { AssertionError } from "../../core/lib/assert.ts";
import { type Backoff, waitMsAfter } from "../../core/lib/backoff.ts";
import type { Clock } from "../../core/lib/clock.ts";
import { isEqual } from "../../core/lib/equality.ts";
import type { Log } from "../../core/lib/log.ts";
import { Wake } from "../../core/lib/wake.ts";
import { timestamp } from "../../core/lib/timestamp.ts";
import type { NodeCondition } from "../../core/resources/core/nodes/node_status.ts";
import { type Node, nodes, type Taint } from "../../core/resources/core/nodes/nodes.ts";
import type { PressureCondition } from "../eviction/thresholds.ts";
import type { ListedImage } from "../runtimes/container_runtime.ts";
import { extendedOf } from "./allocatable.ts";
import type { Machine } from "./machine.ts";
import { LEASE_RENEW_MS, NodeLease } from "./node_lease.ts";
import { COMPONENT } from "../pods/pod_events.ts";

/** After a failure; never longer than the lease takes. */
const RETRY: Backoff = { firstMs: 1_000, maxMs: LEASE_RENEW_MS, factor: 2 };
/** The refusals of a write that was decided on an older state. */
const STALE: readonly Reason[] = ["Conflict", "AlreadyExists", "NotFound"];
const STALE_MAX = 5;
/** How long a view may take to show what was written. */
const CATCH_UP: Backoff = { firstMs: 100, maxMs: 1_000, factor: 2 };

/** Conditions whose changes are recorded as events. `usual`: the state that is not worth an event on a new node. */
const TOLD = [
  { type: "Ready", usual: undefined, reasons: { True: "NodeReady", False: "NodeNotReady" } },
  {
    type: "MemoryPressure",
    usual: "False",
    reasons: { True: "NodeHasInsufficientMemory", False: "NodeHasSufficientMemory" },
  },
  {
    type: "DiskPressure",
    usual: "False",
    reasons: { True: "NodeHasDiskPressure", False: "NodeHasNoDiskPressure" },
  },
  {
    type: "PIDPressure",
    usual: "False",
    reasons: { True: "NodeHasInsufficientPID", False: "NodeHasSufficientPID" },
  },
] as const;

export interface NodeStatusOptions {
  nodeName: string;
  hostIP: string;
  podCIDR: string | undefined;
  /** Besides those of Kubernetes. */
  labels: Readonly<Record<string, string>>;
  /** With which it registers. */
  taints?: readonly Taint[];
  annotations: Readonly<Record<string, string>>;
  machine: Machine;
  allocatable: Readonly<Record<string, string>>;
  runtimeVersion: string;
  /** As in `nodeInfo.kubeletVersion`. */
  version: string;
  client: Client;
  view: View;
  clock: Clock;
  log: Log;
  events: Pick<EventRecorder, "record">;
  /** Called when the view has been out of date for too long. */
  onStaleView?(): void;
  /** Whether the server renews the lease by itself now, since it sees that the agent lives. */
  isLeaseKept?(): boolean;
}

/**
 * Keeps the Node object of this node, and its lease, the heartbeat of the agent.
 *
 * The object is written only when it would change: an idle node writes nothing to disk. The lease is volatile.
 *
 * https://kubernetes.io/docs/reference/node/node-status/
 */
export class NodeStatus {
  readonly #options: NodeStatusOptions;
  #fault: string | undefined;
  /** Whether the state of the runtime is known: before, the node is not reported. */
  #isKnown = false;
  #isDiskFull = false;
  #isShuttingDown = false;
  #images: NonNullable<Node["status"]["images"]> | undefined;
  #pressure: ReadonlySet<PressureCondition> = new Set();
  /** Whether the API has the status. */
  #isKept = true;
  readonly #lease: NodeLease;
  readonly #wake = new Wake();

  constructor(options: NodeStatusOptions) {
    this.#options = options;
    this.#lease = new NodeLease(options);
  }

  /** Reports whether the runtime answers. `fault`: why not, in a few words. */
  report(fault: string | undefined): void {
    if (this.#isKnown && fault === this.#fault) return;
    this.#fault = fault;
    this.#isKnown = true;
    this.#wake.set();
  }

  /** Reports whether the node's disk is full, which is the condition DiskPressure. */
  reportDisk({ isFull }: { isFull: boolean }): void {
    if (isFull === this.#isDiskFull) return;
    this.#isDiskFull = isFull;
    this.#wake.set();
  }

  /** Reports what the node is short of. */
  reportPressure(pressure: ReadonlySet<PressureCondition>): void {
    if (pressure.symmetricDifference(this.#pressure).size === 0) return;
    this.#pressure = pressure;
    this.#wake.set();
  }

  /** Reports whether the machine is about to end. */
  reportShutdown({ isShuttingDown }: { isShuttingDown: boolean }): void {
    this.#isShuttingDown = isShuttingDown;
    this.#wake.set();
  }

  /** Reports the images that there are. */
  reportImages(images: readonly ListedImage[]): void {
    const shown = shownImages(images);
    if (isEqual(shown, this.#images)) return;
    this.#images = shown;
    this.#wake.set();
  }

  /**
   * Registers the node once the state of the runtime is known, then keeps status and lease, until the signal aborts.
   * While the API refuses or cannot be reached, it is asked again, at least as often as the lease is due.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const unsubscribe = this.#wakeWhenLost();
    let failures = 0;
    while (!signal.aborted) {
      this.#wake.clear();
      if (this.#isKnown) failures = await this.#keep(signal) ? 0 : failures + 1;
      const waitMs = failures > 0 ? waitMsAfter(failures, RETRY) : LEASE_RENEW_MS;
      await this.#wake.wait(signal, { clock, ms: waitMs });
    }
    unsubscribe();
  }

  /** The server marks a node as lost that was silent for too long: this corrects it at once. */
  #wakeWhenLost(): () => void {
    const { view, nodeName } = this.#options;
    return view.subscribe(nodes, ({ object: { metadata, status } }) => {
      if (metadata.name === nodeName && readyOf(status) === "Unknown") this.#wake.set();
    });
  }

  /** False when it could not be done; the first of such failures is logged. */
  async #keep(signal: AbortSignal): Promise<boolean> {
    const { log } = this.#options;
    try {
      const node = await this.#settled(() => this.#keepNode(), signal);
      if (!this.#options.isLeaseKept?.()) {
        await this.#settled(() => this.#lease.renew(node), signal);
      }
      this.#isKept = true;
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      if (this.#isKept && !signal.aborted) {
        log.warn("Cannot write the status of this node", { error });
      }
      this.#isKept = false;
    }
    return this.#isKept;
  }

  /**
   * Others write the node too, above all its taints, and a mirror is late: what was decided on another state is decided
   * again.
   */
  async #settled<T>(write: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (let misses = 0;; misses++) {
      try {
        return await write();
      } catch (error) {
        const isStale = STALE.some((reason) => isRefusal(error, reason));
        if (misses === STALE_MAX && isStale) this.#options.onStaleView?.();
        if (misses === STALE_MAX || !isStale) throw error;
        await this.#options.clock.sleep(waitMsAfter(misses, CATCH_UP), signal);
      }
    }
  }

  async #keepNode(): Promise<Node> {
    const { client, view, nodeName } = this.#options;
    const known = view.get(nodes, { name: nodeName });
    if (known === undefined) return await this.#register();
    const node = await this.#keepMetadata(known);
    const status = this.#statusNow(node.status);
    if (isEqual(status, node.status)) return node;
    const written = await client.updateStatus(nodes, { ...node, status });
    this.#tellChange(written, node.status, status);
    return written;
  }

  /** As the kubelet does it: with the status, so that the node is of use at once. */
  async #register(): Promise<Node> {
    const { client, nodeName, podCIDR, annotations, taints } = this.#options;
    const metadata = { name: nodeName, labels: this.#labels(), annotations };
    const status = this.#statusNow({});
    const spec = { ...podRanges(podCIDR), ...(taints && { taints: [...taints] }) };
    const node = await client.create(nodes, { metadata, spec, status });
    this.#tellChange(node, {}, status);
    return node;
  }

  #statusNow<S extends Conditions>(before: S): S & Conditions {
    const pressure = this.#isDiskFull
      ? this.#pressure.union(new Set(["DiskPressure"] as const))
      : this.#pressure;
    const images = this.#images;
    const fault = this.#isShuttingDown ? "node is shutting down" : this.#fault;
    const state = { fault, pressure, ...(images && { images }) };
    return nodeStatusOf(before, this.#options, state, this.#options.clock.now());
  }

  async #keepMetadata(node: Node): Promise<Node> {
    const { client, podCIDR, taints = [] } = this.#options;
    const labels = { ...node.metadata.labels, ...this.#labels() };
    const annotations = { ...node.metadata.annotations, ...this.#options.annotations };
    const metadata = { ...node.metadata, labels, annotations };
    const isNew = (node.status.conditions ?? []).length === 0; // it was made for this agent to register
    const own = isNew ? taints.filter((one) => !node.spec.taints?.some(isLike(one))) : [];
    const all = { ...(own.length > 0 && { taints: [...node.spec.taints ?? [], ...own] }) };
    const spec = { ...podRanges(podCIDR), ...node.spec, ...all };
    if (isEqual(metadata, node.metadata) && isEqual(spec, node.spec)) return node;
    return await client.update(nodes, { ...node, metadata, spec });
  }

  #labels(): Record<string, string> {
    const { nodeName, labels, machine: { info } } = this.#options;
    return {
      "kubernetes.io/hostname": nodeName,
      "kubernetes.io/os": info.operatingSystem,
      "kubernetes.io/arch": info.architecture,
      "beta.kubernetes.io/os": info.operatingSystem,
      "beta.kubernetes.io/arch": info.architecture,
      ...labels,
    };
  }

  #tellChange(about: Node, before: Conditions, after: Conditions): void {
    for (const { type, usual, reasons } of TOLD) {
      const [was = usual, is] = [statusOf(type, before), statusOf(type, after)];
      if (was === is) continue;
      const reason = is === "True" ? reasons.True : reasons.False;
      const message = `Node ${this.#options.nodeName} status is now: ${reason}`;
      this.#options.events.record(COMPONENT, { about, type: "Normal", reason, message });
    }
  }
}

/** The same taint, whatever its value. */
function isLike({ key, effect }: Taint): (other: Taint) => boolean {
  return (other) => other.key === key && other.effect === effect;
}

type Conditions =
  & Pick<Node["status"], "conditions">
  & Partial<Pick<Node["status"], "capacity" | "allocatable">>;

/** What is known about the node now. */
interface NodeState {
  /** Why the runtime cannot be used, in a few words. */
  fault: string | undefined;
  pressure: ReadonlySet<PressureCondition>;
  /** Absent: not known. */
  images?: Node["status"]["images"];
}

/** The status of the node as the kubelet writes it; times change only with what they are of. Pure. */
export function nodeStatusOf<S extends Conditions>(
  before: S,
  options: NodeStatusOptions,
  state: NodeState,
  nowMs: number,
): S & Conditions {
  const { machine, allocatable, hostIP, nodeName, version, runtimeVersion } = options;
  return {
    ...before,
    capacity: { ...extendedOf(before.capacity), ...machine.capacity },
    allocatable: { ...extendedOf(before.allocatable), ...allocatable },
    conditions: conditionsOf(before, state, nowMs),
    ...(state.images && { images: state.images.length > 0 ? state.images : undefined }),
    addresses: [{ type: "InternalIP", address: hostIP }, { type: "Hostname", address: nodeName }],
    nodeInfo: {
      ...machine.info,
      containerRuntimeVersion: runtimeVersion,
      kubeletVersion: version,
      kubeProxyVersion: "",
    },
  };
}

/** The kubelet's `nodeStatusMaxImages` and `MaxNamesPerImageInNodeStatus`. */
const IMAGES_MAX = 50;
const NAMES_MAX = 5;

/** The largest first, as the kubelet shows them; an image whose names others have taken over has none. Pure. */
export function shownImages(
  images: readonly ListedImage[],
): NonNullable<Node["status"]["images"]> {
  return images.toSorted((a, b) => b.sizeBytes - a.sizeBytes || (a.id < b.id ? -1 : 1))
    .slice(0, IMAGES_MAX)
    .map(({ names, sizeBytes }) => ({
      ...(names.length > 0 && { names: names.slice(0, NAMES_MAX) }), // an empty list is not stored
      sizeBytes,
    }));
}

/** Reasons and messages of the kubelet. */
const PRESSURES: readonly {
  type: PressureCondition;
  some: [reason: string, message: string];
  none: [reason: string, message: string];
}[] = [
  {
    type: "MemoryPressure",
    some: ["KubeletHasInsufficientMemory", "kubelet has insufficient memory available"],
    none: ["KubeletHasSufficientMemory", "kubelet has sufficient memory available"],
  },
  {
    type: "DiskPressure",
    some: ["KubeletHasDiskPressure", "kubelet has disk pressure"],
    none: ["KubeletHasNoDiskPressure", "kubelet has no disk pressure"],
  },
  {
    type: "PIDPressure",
    some: ["KubeletHasInsufficientPID", "kubelet has insufficient PID available"],
    none: ["KubeletHasSufficientPID", "kubelet has sufficient PID available"],
  },
];

function conditionsOf(
  { conditions: previous = [] }: Conditions,
  { fault, pressure }: NodeState,
  nowMs: number,
): NodeCondition[] {
  const ready = fault === undefined
    ? verdict("Ready", "True", "KubeletReady", "kubelet is posting ready status")
    : verdict("Ready", "False", "KubeletNotReady", fault);
  const own = [
    ...PRESSURES.map(({ type, some, none }) =>
      pressure.has(type) ? verdict(type, "True", ...some) : verdict(type, "False", ...none)
    ),
    ready,
  ].map((condition) => {
    const before = conditionOf(previous, condition.type);
    const isSame = before?.status === condition.status && before.reason === condition.reason &&
      before.message === condition.message;
    if (isSame) return before;
    const next = { ...condition, lastHeartbeatTime: timestamp(nowMs) };
    return withTransitionTime(next, before, nowMs);
  });
  return [...previous.filter(({ type }) => !own.some((each) => each.type === type)), ...own];
}

function verdict(
  type: string,
  status: "True" | "False",
  reason: string,
  message: string,
): Pick<NodeCondition, "type" | "status" | "reason" | "message"> {
  return { type, status, reason, message };
}

function podRanges(podCIDR: string | undefined): { podCIDR?: string; podCIDRs?: string[] } {
  return podCIDR === undefined ? {} : { podCIDR, podCIDRs: [podCIDR] };
}

function readyOf(status: Conditions): string | undefined {
  return statusOf("Ready", status);
}

function statusOf(condition: string, { conditions }: Conditions): string | undefined {
  return conditionOf(conditions, condition)?.status;
}
