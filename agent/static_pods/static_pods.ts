import type {
  Client,
  DeleteOptions,
  Draft,
  ObjectName,
  View,
  ViewEvent,
} from "../../core/client/client.ts";
import { isRefusal } from "../../core/client/api_error.ts";
import { type Backoff, waitMsAfter } from "../../core/lib/backoff.ts";
import type { Clock } from "../../core/lib/clock.ts";
import type { Log } from "../../core/lib/log.ts";
import { timestamp } from "../../core/lib/timestamp.ts";
import { Wake } from "../../core/lib/wake.ts";
import { nodes } from "../../core/resources/core/nodes/nodes.ts";
import { type Pod, pods } from "../../core/resources/core/pods/pods.ts";
import type { KubeObject, Resource } from "../../core/resources/resource.ts";
import { mirrorSteps } from "./mirror_steps.ts";
import { isMirrorPod, mirrorHashOf } from "../../core/resources/core/pods/static_pods.ts";

const RETRY: Backoff = { firstMs: 1_000, maxMs: 30_000, factor: 2 };
/** In case a change was missed. */
const LOOK_MS = 60_000;

export interface StaticPodsOptions {
  nodeName: string;
  client: Client;
  view: View;
  clock: Clock;
  log: Log;
}

type PodListener = (event: ViewEvent<Pod>) => void;

/**
 * The API as the agent of a node with static pods sees it: with these pods in the place of their mirrors. What is written
 * to a static pod is written to its mirror, and kept here while there is none. Everything else goes through.
 *
 * A static pod whose file is gone, or says something else, ends as one that is deleted; its next version comes when it
 * has ended.
 */
export class StaticPods implements View, Client {
  readonly #options: StaticPodsOptions;
  /** By namespace and name. */
  readonly #statics = new Map<string, Pod>();
  #wanted: readonly Pod[] = [];
  readonly #listeners = new Set<PodListener>();
  readonly #wake = new Wake();
  /** Counts what was written here, for `resourceVersion`. */
  #version = 0;

  constructor(options: StaticPodsOptions) {
    this.#options = options;
  }

  /** Takes over what the files say now. */
  want(wanted: readonly Pod[]): void {
    this.#wanted = wanted;
    const uids = new Set(wanted.map(({ metadata }) => metadata.uid));
    for (const pod of [...this.#statics.values()]) {
      if (!uids.has(pod.metadata.uid) && !pod.metadata.deletionTimestamp) this.#end(pod);
    }
    this.#addMissing();
  }

  /** Keeps the mirrors until the signal aborts. */
  async keepMirrors(signal: AbortSignal): Promise<void> {
    const { clock, log, view, nodeName } = this.#options;
    const stop = view.subscribe(nodes, ({ type, object }) => {
      if (type === "ADDED" && object.metadata.name === nodeName) this.#wake.set();
    });
    let failures = 0;
    while (!signal.aborted) {
      this.#wake.clear();
      try {
        await this.#keep();
        failures = 0;
      } catch (error) {
        if (++failures === 1) log.warn("Cannot show static pods in the API", { error });
      }
      const ms = failures > 0 ? waitMsAfter(failures, RETRY) : LOOK_MS;
      await this.#wake.wait(signal, { clock, ms });
    }
    stop();
  }

  get<T extends KubeObject>(resource: Resource<T>, name: ObjectName): T | undefined {
    const found = this.#options.view.get(resource, name);
    if (!isPods(resource)) return found;
    const own = this.#statics.get(`${name.namespace}/${name.name}`);
    const isTaken = found !== undefined && !this.#isMirror(found as unknown as Pod);
    if (own === undefined || isTaken) return found;
    return this.#shown(own) as unknown as T; // the kind is Pod
  }

  list<T extends KubeObject>(resource: Resource<T>, namespace?: string): readonly T[] {
    const all = this.#options.view.list(resource, namespace);
    return isPods(resource) ? this.#replaced(all, namespace) : all;
  }

  by<T extends KubeObject>(resource: Resource<T>, index: string, value: string): readonly T[] {
    const found = this.#options.view.by(resource, index, value);
    const isOfNode = isPods(resource) && index === "node" && value === this.#options.nodeName;
    return isOfNode ? this.#replaced(found) : found;
  }

  subscribe<T extends KubeObject>(
    resource: Resource<T>,
    listener: (event: ViewEvent<T>) => void,
  ): () => void {
    const { view } = this.#options;
    if (!isPods(resource)) return view.subscribe(resource, listener);
    const own = listener as unknown as PodListener;
    this.#listeners.add(own);
    const stop = view.subscribe(pods, (event) => {
      if (!this.#isMirror(event.object)) return own(event);
      const pod = this.#statics.get(keyOf(event.object));
      if (pod && event.type !== "DELETED") own({ type: "MODIFIED", object: this.#shown(pod) });
      this.#wake.set();
    });
    return () => {
      this.#listeners.delete(own);
      stop();
    };
  }

  create<T extends KubeObject>(resource: Resource<T>, draft: Draft<T>): Promise<T> {
    return this.#options.client.create(resource, draft);
  }

  update<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T> {
    return this.#options.client.update(resource, object);
  }

  async updateStatus<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T> {
    const { client } = this.#options;
    const own = isPods(resource) ? this.#ownOf(object.metadata) : undefined;
    if (own === undefined) return await client.updateStatus(resource, object);
    const pod = object as unknown as Pod;
    const kept = { ...own, status: pod.status };
    this.#statics.set(keyOf(own), kept);
    const mirror = this.#mirrorOf(own);
    this.#version++;
    if (mirror === undefined) return this.#shown(kept) as unknown as T;
    const written = await client.updateStatus(pods, { ...mirror, status: pod.status });
    return shownBy(kept, written) as unknown as T;
  }

  async delete<T extends KubeObject>(
    resource: Resource<T>,
    name: ObjectName,
    options?: DeleteOptions,
  ): Promise<void> {
    const own = this.#statics.get(`${name.namespace}/${name.name}`);
    const isOwn = isPods(resource) && own?.metadata.uid === options?.preconditions?.uid;
    if (!isOwn || own === undefined) {
      return await this.#options.client.delete(resource, name, options);
    }
    this.#statics.delete(keyOf(own));
    this.#tell("DELETED", own);
    this.#addMissing();
  }

  act<T extends KubeObject>(
    resource: Resource<T>,
    name: ObjectName,
    subresource: string,
    body: object,
  ): Promise<void> {
    return this.#options.client.act(resource, name, subresource, body);
  }

  #end(pod: Pod): void {
    const metadata = {
      ...pod.metadata,
      deletionTimestamp: timestamp(this.#options.clock.now()),
      deletionGracePeriodSeconds: pod.spec.terminationGracePeriodSeconds,
    };
    const ending = { ...pod, metadata };
    this.#statics.set(keyOf(pod), ending);
    this.#tell("MODIFIED", ending);
  }

  #addMissing(): void {
    for (const pod of this.#wanted) {
      if (this.#statics.has(keyOf(pod))) continue;
      this.#statics.set(keyOf(pod), pod);
      this.#tell("ADDED", pod);
    }
    this.#wake.set();
  }

  #tell(type: ViewEvent["type"], pod: Pod): void {
    for (const listener of [...this.#listeners]) listener({ type, object: this.#shown(pod) });
    this.#wake.set();
  }

  /** Does what has to be done for the mirrors; rejects with the first failure, after all have been tried. */
  async #keep(): Promise<void> {
    const { client, view, nodeName } = this.#options;
    const mirrors = view.by(pods, "node", nodeName).filter((pod) => this.#isMirror(pod));
    const node = view.get(nodes, { name: nodeName });
    const steps = mirrorSteps([...this.#statics.values()], mirrors, node);
    const done = await Promise.allSettled(steps.map(async (step) => {
      if (step.do === "create") return await client.create(pods, step.draft);
      const { namespace, name, uid } = step.mirror.metadata;
      const options = { gracePeriodSeconds: 0, preconditions: { uid } };
      await client.delete(pods, { namespace, name }, options).catch((error) => {
        if (!isRefusal(error, "NotFound") && !isRefusal(error, "Conflict")) throw error;
      });
    }));
    const failure = done.find(({ status }) => status === "rejected");
    if (failure?.status === "rejected") throw failure.reason;
  }

  #replaced<T extends KubeObject>(found: readonly T[], namespace?: string): readonly T[] {
    const others = found.filter((pod) => !this.#isMirror(pod as unknown as Pod));
    const own = [...this.#statics.values()]
      .filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace)
      .map((pod) => this.#shown(pod) as unknown as T);
    return [...others, ...own];
  }

  #isMirror(pod: Pod): boolean {
    return pod.spec.nodeName === this.#options.nodeName && isMirrorPod(pod);
  }

  #ownOf(
    metadata: Pick<Pod["metadata"], "name" | "uid"> & { namespace?: string },
  ): Pod | undefined {
    const own = this.#statics.get(`${metadata.namespace}/${metadata.name}`);
    return own?.metadata.uid === metadata.uid ? own : undefined;
  }

  /** What shows this very version of a static pod in the API. */
  #mirrorOf({ metadata }: Pod): Pod | undefined {
    const mirror = this.#options.view.get(pods, metadata);
    return mirror && mirrorHashOf(mirror) === metadata.uid ? mirror : undefined;
  }

  #shown(pod: Pod): Pod {
    const mirror = this.#mirrorOf(pod);
    if (mirror) return shownBy(pod, mirror);
    const metadata = { ...pod.metadata, resourceVersion: `static-${this.#version}` };
    return { ...pod, metadata };
  }
}

/** A static pod with the status that its mirror has; when it started is known even if the mirror is new. */
function shownBy(pod: Pod, { metadata: { resourceVersion }, status }: Pod): Pod {
  const startTime = status.startTime ?? pod.status.startTime;
  return {
    ...pod,
    metadata: { ...pod.metadata, resourceVersion },
    status: { ...status, ...(startTime !== undefined && { startTime }) },
  };
}

function isPods(resource: { plural: string; group: string }): boolean {
  return resource.plural === pods.plural && resource.group === pods.group;
}

function keyOf({ metadata: { namespace, name } }: Pod): string {
  return `${namespace}/${name}`;
}
