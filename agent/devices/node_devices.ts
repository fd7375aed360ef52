import { ownField } from "../../core/lib/own_field.ts";
import { unitsOf } from "../../core/schema/quantities.ts";
import {
  containersOf,
  type PodContainer,
} from "../../core/resources/core/pods/spec/pod_containers.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";

/** A device that one container can have. */
export interface Device {
  /** E.g. `coracle.dev/tty`. */
  readonly resource: string;
  /** Of one container at a time; the same after a restart of the agent. */
  readonly id: string;
  /** As the runtime takes it: a path, `SOURCE:DESTINATION`, or the name of a CDI device. */
  readonly device: string;
}

/** More was requested than is free. */
export interface DeviceShortage {
  readonly resource: string;
  readonly requested: number;
  readonly available: number;
}

/** A container as the runtime shows it. */
interface AdoptedContainer {
  readonly podUid: string;
  readonly name: string;
  readonly devices?: readonly string[];
}

/** Ids of devices by the names of containers. */
type Holding = ReadonlyMap<string, readonly string[]>;

/**
 * Who has which of the node's devices. A pod gets all of its devices at once, before it starts, and keeps them until it has
 * ended, through restarts of its containers. What containers have is told by themselves after a restart of the agent.
 */
export class NodeDevices {
  readonly #devices: ReadonlyMap<string, Device>;
  readonly #holders = new Map<string, Holding>();

  constructor(devices: readonly Device[]) {
    this.#devices = new Map(devices.map((each) => [each.id, each]));
  }

  /** Amounts as the node advertises them. */
  get capacity(): Record<string, string> {
    const counts = new Map<string, number>();
    for (const { resource } of this.#devices.values()) {
      counts.set(resource, (counts.get(resource) ?? 0) + 1);
    }
    return Object.fromEntries([...counts].map(([resource, count]) => [resource, String(count)]));
  }

  /** Gives the pod what its containers request, if it has not got it. What is missing when that is not possible. */
  claim(pod: Pod): DeviceShortage | undefined {
    const { uid } = pod.metadata;
    const holding = new Map(this.#holders.get(uid));
    const resources = new Set([...this.#devices.values()].map(({ resource }) => resource));
    for (const resource of resources) {
      const shortage = this.#claimOne(pod, resource, holding);
      if (shortage !== undefined) return shortage;
    }
    if (holding.size > 0) this.#holders.set(uid, holding);
    return undefined;
  }

  /** Notes what a container has that was there before this agent. */
  adopt({ podUid, name, devices }: AdoptedContainer): void {
    if (devices === undefined) return;
    this.#holders.set(podUid, new Map([...this.#holders.get(podUid) ?? [], [name, devices]]));
  }

  release(podUid: string): void {
    this.#holders.delete(podUid);
  }

  /** The devices of a container. */
  of(podUid: string, container: string): readonly Device[] {
    const ids = this.#holders.get(podUid)?.get(container) ?? [];
    return ids.flatMap((id) => this.#devices.get(id) ?? []);
  }

  #claimOne(
    pod: Pod,
    resource: string,
    holding: Map<string, readonly string[]>,
  ): DeviceShortage | undefined {
    const taken = this.#takenByOthers(pod.metadata.uid);
    const all = [...this.#devices.values()].filter((each) => each.resource === resource)
      .map(({ id }) => id).filter((id) => !taken.has(id));
    const isOfResource = (id: string) => this.#devices.get(id)?.resource === resource;
    for (const each of inOrderOfClaim(pod)) {
      const { name } = each.container;
      const had = (holding.get(name) ?? []).filter(isOfResource);
      const used = usedBeside(pod, each, holding);
      const free = all.filter((id) => !used.has(id) && !had.includes(id));
      const missing = requestOf(each, resource) - had.length;
      if (missing > free.length) {
        return { resource, requested: missing, available: free.length };
      }
      const got = [...had, ...free.slice(0, Math.max(0, missing))];
      const others = (holding.get(name) ?? []).filter((id) => !isOfResource(id));
      if (got.length + others.length > 0) holding.set(name, [...others, ...got]);
    }
    return undefined;
  }

  #takenByOthers(podUid: string): ReadonlySet<string> {
    const others = [...this.#holders].filter(([uid]) => uid !== podUid);
    return new Set(others.flatMap(([, holding]) => [...holding.values()].flat()));
  }
}

/** Those that run as long as the pod first. */
function inOrderOfClaim({ spec }: Pod): PodContainer[] {
  const all = containersOf(spec).filter(({ role }) => role !== "ephemeral");
  return [
    ...all.filter(({ role }) => role !== "init"),
    ...all.filter(({ role }) => role === "init"),
  ];
}

/** What a container cannot have: an init container has ended before the main ones start, which use what it has used. */
function usedBeside(
  { spec }: Pod,
  { role, container }: PodContainer,
  holding: Holding,
): ReadonlySet<string> {
  const beside = containersOf(spec).filter((other) =>
    other.container.name !== container.name && other.role !== "init" &&
    (role !== "init" || other.role === "sidecar")
  );
  return new Set(beside.flatMap((other) => holding.get(other.container.name) ?? []));
}

function requestOf({ container: { resources } }: PodContainer, resource: string): number {
  const amount = ownField(resources.requests, resource) ?? ownField(resources.limits, resource);
  return amount === undefined ? 0 : unitsOf(amount);
}
