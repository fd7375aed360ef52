import type { Container } from "../../core/resources/core/pods/spec/containers.ts";
import { containerNamed } from "../../core/resources/core/pods/spec/pod_containers.ts";
import type { NodeContext } from "./node_context.ts";
import type { PodEvents } from "./pod_events.ts";
import type { PodRecord } from "./pod_record.ts";
import { dialProbe } from "../probes/probe_dialer.ts";
import type { ProbeTarget } from "../probes/probe_type.ts";
import { Probes } from "../probes/probes.ts";

/** What the kubelet's metrics call how a probe ended. */
const COUNTED_AS = {
  success: "successful",
  warning: "successful",
  failure: "failed",
  error: "unknown",
} as const;

export interface PodProbesOptions {
  context: NodeContext;
  record: PodRecord;
  events: PodEvents;
  /** The health of a container has changed. */
  onChange(): void;
}

/** The probes of a pod's running containers, by container id. */
export class PodProbes {
  readonly #options: PodProbesOptions;
  readonly #running = new Map<string, Probes>();
  /** Not to be probed again: they are being stopped. */
  readonly #stopped = new Set<string>();

  constructor(options: PodProbesOptions) {
    this.#options = options;
  }

  /** Starts the probes of containers that run, and stops those of containers that do not. */
  keep(): void {
    const { record } = this.#options;
    const { pod, sandbox } = record;
    const ids = new Set(
      record.containers.flatMap(({ id, state }) => state === "running" ? [id] : []),
    );
    for (const id of this.#running.keys()) if (!ids.has(id)) this.stop(id);
    for (const id of this.#stopped) if (!ids.has(id)) this.#stopped.delete(id);
    if (pod === undefined || sandbox.state !== "ready") return;
    for (const { id, name, startedAtMs } of record.containers) {
      const container = containerNamed(pod.spec, name);
      if (!ids.has(id) || this.#running.has(id) || this.#stopped.has(id) || !container) continue;
      if (record.memoryOf(name)?.health?.containerId !== id) continue; // its start is not over yet
      this.#running.set(id, this.#probesOf(id, container, startedAtMs ?? 0, sandbox.ip));
    }
  }

  /** A container is being ended: only its readiness is asked for until then. */
  expectEnd(id: string): void {
    const probes = this.#running.get(id);
    if (probes === undefined) this.#stopped.add(id);
    else probes.expectEnd();
  }

  /** Ends the probes of a container for good. */
  stop(id: string): void {
    this.#stopped.add(id);
    this.#running.get(id)?.stop();
    this.#running.delete(id);
  }

  stopAll(): void {
    for (const id of [...this.#running.keys()]) this.stop(id);
  }

  #probesOf(id: string, container: Container, startedAtMs: number, podIP: string): Probes {
    const { context, record, events, onChange } = this.#options;
    const { name, ports = [] } = container;
    const { runtime, execSlots, clock } = context;
    const target: ProbeTarget = {
      podIP,
      containerId: id,
      ports,
      runtime,
      execSlots,
      clock,
      env: writtenOut(container),
    };
    const check = context.checkProbe ?? dialProbe;
    return new Probes({
      container,
      startedAtMs,
      health: record.memoryOf(name)!.health!,
      clock,
      check: (probe, signal) => check(probe, target, signal),
      onHealth: (health) => {
        record.remember(name, { health });
        onChange();
      },
      onAnswer: (kind, result) => {
        if (record.pod === undefined) return;
        const { name: pod, namespace, uid: podUid } = record.pod.metadata;
        const named = { pod, namespace, podUid, container: name, kind };
        context.probeCounts.add({ ...named, result: COUNTED_AS[result] });
      },
      onOutcome: (kind, outcome) => {
        if (record.pod) events.probed(record.pod, name, kind, outcome);
      },
    });
  }
}

/** The variables of a container that are not taken from elsewhere. */
function writtenOut({ env = [] }: Container): Record<string, string> {
  return Object.fromEntries(env.map(({ name, value = "" }) => [name, value]));
}
