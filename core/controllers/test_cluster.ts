import { FOREGROUND_FINALIZER } from "../schema/finalizers.ts";
import type { Client, ObjectName, View, ViewEvent } from "../client/client.ts";
import type { Notice } from "../client/event_recorder.ts";
import { assert } from "../lib/assert.ts";
import type { JsonObject } from "../lib/json/json_value.ts";
import { check } from "../schema/check.ts";
import {
  type AnyResource,
  apiVersionOf,
  groupResourceOf,
  type KubeObject,
  type Resource,
} from "../resources/resource.ts";
import {
  type Controller,
  type ControllerWithMemory,
  type Loop,
  loopOf,
  type LoopRun,
  type Plan,
  type Write,
} from "./runtime/controller.ts";
import type { Moment } from "../lib/clock.ts";
import { timestamp } from "../lib/timestamp.ts";

/** An object for a test: what it does not say, the schema's defaults and the cluster do. */
export interface Given {
  metadata: Partial<KubeObject["metadata"]>;
  spec?: unknown;
  status?: unknown;
  [field: string]: unknown;
}

type AnyController = Omit<ControllerWithMemory<never, unknown>, "resource"> & {
  resource: AnyResource;
};

/**
 * A cluster of objects in memory for the tests of deciders: it does what plans say, at once, by the simplest
 * rules, and remembers what was told. Everything is synchronous, so a test can look after each step.
 */
export class TestCluster implements View {
  readonly notices: Notice[] = [];
  nowMs = Date.parse("2026-01-01T00:00:00Z");
  #setByMs = 0;
  readonly #objects = new Map<string, Map<string, KubeObject>>();
  readonly #listeners = new Map<string, Set<(event: ViewEvent) => void>>();
  readonly #runs = new Map<unknown, { run: LoopRun; keys: Set<string> }>();
  #revision = 0;

  /** Sets the machine's clock. No time passes by that. */
  setClock(byMs: number): void {
    this.nowMs += byMs;
    this.#setByMs += byMs;
  }

  get moment(): Moment {
    return { nowMs: this.nowMs, elapsedMs: this.nowMs - this.#setByMs };
  }

  get<T extends KubeObject>(resource: Resource<T>, { namespace, name }: ObjectName): T | undefined {
    return this.#kind(resource).get(`${namespace ?? ""}/${name}`) as T | undefined;
  }

  list<T extends KubeObject>(resource: Resource<T>, namespace?: string): readonly T[] {
    const all = [...this.#kind(resource)].sort(([a], [b]) => a < b ? -1 : 1).map(([, object]) =>
      object
    );
    return all.filter(({ metadata }) =>
      namespace === undefined || metadata.namespace === namespace
    ) as unknown as T[];
  }

  by<T extends KubeObject>(resource: Resource<T>, index: string, value: string): readonly T[] {
    return this.list(resource).filter((object) =>
      valuesOf(resource, object, index).includes(value)
    );
  }

  subscribe<T extends KubeObject>(
    resource: Resource<T>,
    listener: (event: ViewEvent<T>) => void,
  ): () => void {
    const kind = groupResourceOf(resource);
    const listeners = this.#listeners.get(kind) ?? new Set();
    this.#listeners.set(kind, listeners);
    listeners.add(listener as (event: ViewEvent) => void);
    return () => void listeners.delete(listener as (event: ViewEvent) => void);
  }

  /** Puts an object there, new or in place of the one of its name. Gives it as it is kept. */
  put<T extends KubeObject>(resource: Resource<T>, given: Given): T {
    const previous = this.get(resource, given.metadata as ObjectName);
    const revision = String(++this.#revision);
    const { metadata, apiVersion: _, kind: __, ...rest } = given;
    const { value, causes } = checked(resource, structuredClone(rest));
    assert(causes.length === 0, `A test object is wrong: ${JSON.stringify(causes)}`);
    const generation = previous?.metadata.generation ?? 1;
    const object = {
      ...value as object,
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      metadata: {
        ...(resource.namespaced && { namespace: "default" }),
        uid: `uid-${revision}`,
        creationTimestamp: timestamp(this.nowMs),
        generation,
        ...metadata,
        resourceVersion: revision,
      },
    } as KubeObject as T;
    this.#kind(resource).set(keyOf(object), object);
    this.#tell(resource, { type: previous ? "MODIFIED" : "ADDED", object });
    return object;
  }

  /** Changes the status of an object that is there. */
  patchStatus<T extends KubeObject>(resource: Resource<T>, name: ObjectName, status: object): T {
    const object = this.get(resource, name) as T & { status?: object };
    return this.put(resource, {
      ...object,
      status: { ...object.status, ...status },
    } as unknown as Given);
  }

  /** Takes an object away, whatever its finalizers say. */
  take(resource: AnyResource, name: ObjectName): void {
    const object = this.get<KubeObject>(resource, name);
    if (object === undefined) return;
    this.#kind(resource).delete(keyOf(object));
    this.#tell(resource, { type: "DELETED", object });
  }

  /** Does what a plan says. Pods that are bound end gracefully: they stay until taken. */
  perform({ writes }: Plan): void {
    for (const write of writes) this.#perform(write);
  }

  /** Lets controllers look at everything again and again until they have nothing more to do. */
  settle(controllers: readonly (AnyController | Loop)[], roundsMax = 100): void {
    for (let round = 0; round < roundsMax; round++) {
      if (!controllers.map((controller) => this.#round(controller)).includes(true)) return;
    }
    throw new Error(`The controllers do not come to rest in ${roundsMax} rounds`);
  }

  /** What a controller decides on an object, there or gone; nothing of it is done. */
  planOf(controller: AnyController, { namespace = "", name }: ObjectName): Plan {
    return this.#runOf(controller).run.reconcile(`${namespace}/${name}`, this.moment);
  }

  /** The controllers begin anew, as after a restart of the server: nothing is remembered. */
  restartControllers(): void {
    for (const { run } of this.#runs.values()) run.stop();
    this.#runs.clear();
  }

  #round(controller: AnyController | Loop): boolean {
    const { run, keys } = this.#runOf(controller);
    const isLoop = "start" in controller;
    const all = isLoop ? [] : this.list<KubeObject>(controller.resource).map(keyOf);
    const round = new Set([...all, ...keys]);
    if (!isLoop) keys.clear(); // those of a loop are known from it alone
    let wrote = false;
    for (const key of round) {
      const made = run.reconcile(key, this.moment);
      wrote ||= made.writes.length > 0;
      this.perform(made);
    }
    return wrote;
  }

  /** A controller's run goes on from one call to the next. */
  #runOf(controller: AnyController | Loop): { run: LoopRun; keys: Set<string> } {
    const known = this.#runs.get(controller);
    if (known !== undefined) return known;
    const keys = new Set<string>();
    const loop = "start" in controller ? controller : loopOf(controller as unknown as Controller);
    const fresh = { run: loop.start(this, (key) => keys.add(key)), keys };
    this.#runs.set(controller, fresh);
    return fresh;
  }

  #perform(write: Write): void {
    switch (write.verb) {
      case "create":
        if (this.get<KubeObject>(write.resource, named(write.resource, write.draft.metadata))) {
          return;
        }
        this.put(write.resource, write.draft as Given);
        if (write.event) this.notices.push(write.event);
        return;
      case "update":
      case "updateStatus":
        return this.#replace(write);
      case "delete":
        this.#delete(write);
        if (write.event) this.notices.push(write.event);
        return;
      case "act":
        return this.#act(write);
      case "event":
        this.notices.push(write.event);
    }
  }

  #replace({ verb, resource, object }: Write & { verb: "update" | "updateStatus" }): void {
    const before = this.get<KubeObject>(resource, object.metadata) as unknown as Given;
    assert(before !== undefined, `${object.kind} ${object.metadata.name} is not there`);
    assert(
      before.metadata.resourceVersion === object.metadata.resourceVersion,
      `${object.kind} ${object.metadata.name} was written from an old version`,
    );
    const given = object as unknown as Given;
    const { status, ...rest } = given;
    if (verb === "updateStatus") {
      const { annotations = before.metadata.annotations } = given.metadata;
      this.put(resource, {
        ...before,
        metadata: { ...before.metadata, ...(annotations && { annotations }) },
        status,
      });
    } else if (!this.#isFinished(resource, object)) {
      const generation = (before.metadata.generation ?? 0) + 1;
      this.put(resource, {
        ...rest,
        metadata: { ...rest.metadata, generation },
        ...statusAfter(resource, { before: before.status, given: status }),
      });
    }
  }

  /** An object that is being deleted goes with its last finalizer. */
  #isFinished(resource: AnyResource, object: KubeObject): boolean {
    const { deletionTimestamp, finalizers = [] } = object.metadata;
    if (deletionTimestamp === undefined || finalizers.length > 0) return false;
    this.take(resource, object.metadata);
    return true;
  }

  #delete({ resource, name, options }: Write & { verb: "delete" }): void {
    const object = this.get<KubeObject>(resource, name);
    if (object === undefined || object.metadata.uid !== options.preconditions?.uid) return;
    const finalizers = [
      ...object.metadata.finalizers ?? [],
      ...options.propagationPolicy === "Foreground" ? [FOREGROUND_FINALIZER] : [],
    ];
    const isBound = (object as { spec?: { nodeName?: string } }).spec?.nodeName !== undefined;
    const endsLater = resource.kind === "Pod" && isBound && options.gracePeriodSeconds !== 0;
    if (finalizers.length === 0 && !endsLater) return this.take(resource, name);
    const deletionTimestamp = timestamp(this.nowMs);
    const metadata = { ...object.metadata, finalizers, deletionTimestamp };
    this.put(resource, { ...object, metadata } as unknown as Given);
  }

  /** A subresource that the kind has of its own. A namespace goes with the last of its finalizers. */
  #act({ resource, name, subresource, body }: Write & { verb: "act" }): void {
    const current = this.get<KubeObject>(resource, name);
    if (current === undefined) return;
    if (subresource === "scale") return this.#scale(resource, current, body);
    if (subresource === "eviction") {
      const options = { preconditions: { uid: current.metadata.uid } };
      return this.#delete({ verb: "delete", resource, name, options });
    }
    const { decide } = (resource as Resource).subresources.find((each) =>
      each.name === subresource
    )!;
    const decision = decide!(current, body as JsonObject, this.nowMs);
    assert("next" in decision, `${subresource} of ${name.name} is refused`);
    const object = decision.next as KubeObject & { spec: { finalizers?: readonly string[] } };
    if (object.spec.finalizers?.length === 0) return this.take(resource, name);
    this.#kind(resource).set(keyOf(object), object);
    this.#tell(resource, { type: "MODIFIED", object });
  }

  #scale(resource: AnyResource, current: KubeObject, body: object): void {
    const { replicas } = (body as { spec: { replicas: number } }).spec;
    const { spec } = current as KubeObject & { spec: object };
    this.put(resource, { ...current, spec: { ...spec, replicas } } as unknown as Given);
  }

  #kind(resource: AnyResource): Map<string, KubeObject> {
    const name = groupResourceOf(resource);
    const kind = this.#objects.get(name) ?? new Map<string, KubeObject>();
    this.#objects.set(name, kind);
    return kind;
  }

  #tell(resource: AnyResource, event: ViewEvent): void {
    this.#listeners.get(groupResourceOf(resource))?.forEach((listener) => listener(event));
  }
}

/** A client that does at once what a test cluster would. */
export function clientOf(cluster: TestCluster): Client {
  const write = (made: Write) => Promise.resolve(cluster.perform({ writes: [made] }));
  return {
    create: (resource, draft) =>
      write({ verb: "create", resource, draft: draft as never }).then(() =>
        cluster.get(resource, named(resource, draft.metadata))!
      ),
    update: (resource, object) =>
      write({ verb: "update", resource, object }).then(() =>
        cluster.get(resource, object.metadata)!
      ),
    updateStatus: (resource, object) =>
      write({ verb: "updateStatus", resource, object }).then(() =>
        cluster.get(resource, object.metadata)!
      ),
    delete: (resource, name, options = {}) => write({ verb: "delete", resource, name, options }),
    act: (resource, name, subresource, body) =>
      write({ verb: "act", resource, name, subresource, body }),
  };
}

function named(resource: AnyResource, metadata: Partial<KubeObject["metadata"]>): ObjectName {
  return resource.namespaced
    ? { namespace: metadata.namespace ?? "default", name: metadata.name! }
    : { name: metadata.name! };
}

/** The object but for its metadata as the API would keep it. */
function checked(resource: AnyResource, given: object): { value: object; causes: unknown[] } {
  const { reading, schema } = resource;
  if (reading === undefined) return check(schema, given) as { value: object; causes: unknown[] };
  const metadata = { name: "name" };
  const whole = { ...given, apiVersion: apiVersionOf(resource), kind: resource.kind, metadata };
  const { value, fault } = reading.read(whole as JsonObject);
  if (fault !== undefined) return { value, causes: [fault] };
  const object = value as unknown as KubeObject;
  const { causes } = reading.check(object, undefined, { isOfStatus: false, causes: [] });
  return { value, causes };
}

/** Of kinds that have a status but no subresource for it, an update writes it with the rest. */
function statusAfter(
  { isCreatedWithStatus }: AnyResource,
  { before, given }: { before: unknown; given: unknown },
): { status?: unknown } {
  const status = isCreatedWithStatus ? given : before;
  return status === undefined ? {} : { status };
}

function keyOf({ metadata: { namespace, name } }: KubeObject): string {
  return `${namespace ?? ""}/${name}`;
}

function valuesOf<T extends KubeObject>(
  resource: Resource<T>,
  object: T,
  index: string,
): readonly string[] {
  const { ownerReferences = [], labels = {}, deletionTimestamp } = object.metadata;
  if (index === "lifecycle") {
    return [ownerReferences.length > 0 && "owned", deletionTimestamp && "terminating"]
      .filter((value) => typeof value === "string");
  }
  if (index === "owner") return ownerReferences.map(({ uid }) => uid);
  if (index === "label") return Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return resource.indexes[index]!(object);
}
