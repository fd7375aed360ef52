import type { Moment } from "../../lib/clock.ts";
import type { ApiError } from "../../client/api_error.ts";
import type { DeleteOptions, Draft, ObjectName, View } from "../../client/client.ts";
import type { Notice } from "../../client/event_recorder.ts";
import { type Catalog, forEachKind } from "../../resources/catalog.ts";
import type { AnyResource, KubeObject, Resource } from "../../resources/resource.ts";

/** One write that a controller wants. Made by the functions below. */
export type Write =
  | {
    verb: "create";
    resource: AnyResource;
    draft: Draft<KubeObject>;
    /** Recorded when the object has been created; not when it was there already. */
    event?: Notice;
    /** What to write instead when the API refuses. The object is still tried again later. */
    refused?: (error: ApiError) => Write[];
  }
  | { verb: "update"; resource: AnyResource; object: KubeObject }
  | { verb: "updateStatus"; resource: AnyResource; object: KubeObject }
  | {
    verb: "delete";
    resource: AnyResource;
    name: ObjectName;
    options: DeleteOptions;
    /** Recorded when the object has been deleted; not when it was gone already. */
    event?: Notice;
  }
  | {
    verb: "act";
    resource: AnyResource;
    name: ObjectName;
    subresource: string;
    body: object;
    /** What to write instead when the API refuses. The object is still tried again later. */
    refused?: (error: ApiError) => Write[];
  }
  | { verb: "event"; event: Notice };

/**
 * The writes that bring the world closer to what an object's spec says. They are done in order; after the first that is
 * refused the rest is dropped, and the object is looked at again later.
 *
 * At most one write per object: a second one would carry the version before the first. What is left
 * to do then comes with the next look, because the first write is a change that leads to one.
 */
export interface Plan {
  writes: readonly Write[];
  /** Look again after this long, even if nothing changes. */
  againAfterMs?: number;
}

/** A kind whose changes concern the controller, and the objects that they concern. */
export interface Watch {
  resource: AnyResource;
  /** Names of the controller's own objects to look at after `changed` changed, came or went. */
  concerns(changed: KubeObject, view: View): readonly ObjectName[];
  /**
   * Also look at what the object concerned before this change; for links that a change can
   * remove, such as the labels by which services select a pod.
   */
  includesFormer?: true;
}

/**
 * Makes the objects of one kind what their specs say.
 *
 * `reconcile` is pure: it reads the object and the view and returns a plan. It is told neither what
 * changed nor why, is called at least once after every change, never twice at a time for one object,
 * and gives an empty plan when there is nothing to do.
 */
export interface Controller<T extends KubeObject = KubeObject> {
  /** Also the component that its events come from: `deployment-controller`. */
  name: string;
  resource: Resource<T>;
  watches: readonly Watch[];
  /**
   * Further ones, one for each kind that there is or comes; `undefined` for a kind that does not matter. All of the
   * controller's own objects are looked at again when kinds come or go.
   */
  watchesOfKinds?: { catalog: Catalog; watchOf(resource: AnyResource): Watch | undefined };
  /** How many objects may be reconciled at once. */
  workers: number;
  /**
   * Begins to call `look` with names of the controller's own objects that something outside of the view concerns. `look`
   * may be called at any time and only takes note. Returns the stop.
   */
  outside?(view: View, look: (name: ObjectName) => void): () => void;
  reconcile(object: T, view: View, nowMs: number): Plan;
  /** Called instead of `reconcile` for an object that is no longer there, where that matters. */
  gone?(name: ObjectName, view: View, nowMs: number): Plan;
}

/**
 * A controller that has to know what it saw before, such as since when a node has been silent: entries of type `M`
 * under keys of its choice. Its functions are as pure as any other's: each run of the controller begins with an empty
 * memory, shows it to them, and writes down what their plans say. After a restart of the server nothing is remembered.
 */
export interface ControllerWithMemory<T extends KubeObject, M>
  extends Omit<Controller<T>, "reconcile" | "gone" | "watches"> {
  watches: readonly WatchWithMemory<M>[];
  reconcile(object: T, view: View, nowMs: number, past: Past<M>): PlanWithMemory<M>;
  gone?(name: ObjectName, view: View, nowMs: number, past: Past<M>): PlanWithMemory<M>;
}

/** A watch that may ask the memory whom a change concerns. */
export interface WatchWithMemory<M> extends Omit<Watch, "concerns"> {
  concerns(changed: KubeObject, view: View, memory: Memory<M>): readonly ObjectName[];
}

export type Memory<M> = ReadonlyMap<string, M>;

/** What a controller knows besides the view. */
export interface Past<M> {
  memory: Memory<M>;
  /** The present on a clock that does not jump, see {@linkcode Clock}: what is remembered counts by it. */
  elapsedMs: number;
}

export interface PlanWithMemory<M> extends Plan {
  /** What to remember from now on, whether or not the writes succeed; `undefined`: nothing under this key. */
  remember?: readonly (readonly [key: string, entry: M | undefined])[];
}

/**
 * What `runLoop` runs. A {@linkcode Controller} becomes one by {@linkcode loopOf}; what looks at more than one kind,
 * such as the garbage collector, is one directly.
 */
export interface Loop {
  name: string;
  /** How many keys may be looked at at once. */
  workers: number;
  /**
   * Begins a run, which shares nothing with other runs. Gives `add` the key of everything that is there, and from then
   * on of everything that a change concerns; `add` may be called at any time and only takes note. With `notBeforeMs`,
   * on the clock of `Moment.elapsedMs`, the key waits until then, or until no other key waits.
   */
  start(view: View, add: (key: string, notBeforeMs?: number) => void): LoopRun;
}

export interface LoopRun {
  /** Keys of a higher priority are looked at first; 0 for all when absent. Asked when a key becomes ready. */
  priorityOf?(key: string): number;
  reconcile(key: string, moment: Moment): Plan;
  /** No key is added from now on. */
  stop(): void;
}

export const NOTHING: Plan = { writes: [] };

/** The loop of a controller: keys are `namespace/name`. */
export function loopOf<T extends KubeObject, M>(controller: ControllerWithMemory<T, M>): Loop {
  const { name, workers } = controller;
  return {
    name,
    workers,
    start(view, add) {
      const memory = new Map<string, M>();
      return {
        reconcile(key, moment) {
          const plan = planFor(controller, key, view, moment, memory);
          for (const [key, entry] of plan.remember ?? []) {
            if (entry === undefined) memory.delete(key);
            else memory.set(key, entry);
          }
          return plan;
        },
        stop: follow(controller, view, add, memory),
      };
    },
  };
}

function planFor<T extends KubeObject, M>(
  controller: ControllerWithMemory<T, M>,
  key: string,
  view: View,
  { nowMs, elapsedMs }: Moment,
  memory: Memory<M>,
): PlanWithMemory<M> {
  const name = nameOf(key);
  const object = view.get(controller.resource, name);
  const past = { memory, elapsedMs };
  if (object !== undefined) return controller.reconcile(object, view, nowMs, past);
  return controller.gone?.(name, view, nowMs, past) ?? NOTHING;
}

/** At the start all of its own objects are looked at; what else is there can only name one of them, or one that is gone. */
function follow<T extends KubeObject, M>(
  controller: ControllerWithMemory<T, M>,
  view: View,
  add: (key: string) => void,
  memory: Memory<M>,
): () => void {
  const { resource, watches, watchesOfKinds, gone } = controller;
  const self: WatchWithMemory<M> = { resource, concerns: (changed) => [changed.metadata] };
  const followWatch = (watch: WatchWithMemory<M>) => {
    const addConcerned = concernedOf(watch, view, add, memory);
    const stop = view.subscribe(
      watch.resource,
      ({ type, object }) => addConcerned(object, type === "DELETED"),
    );
    if (watch === self || watch.includesFormer || gone) {
      for (const object of view.list(watch.resource)) addConcerned(object, false);
    }
    return stop;
  };
  const stops = [self, ...watches].map(followWatch);
  if (controller.outside) stops.push(controller.outside(view, (name) => add(keyOf(name))));
  if (watchesOfKinds) {
    const { catalog, watchOf } = watchesOfKinds;
    const followKind = (kind: AnyResource) => {
      const watch = watchOf(kind);
      return watch ? followWatch(watch) : () => {};
    };
    const addAll = () => view.list(resource).forEach(({ metadata }) => add(keyOf(metadata)));
    stops.push(forEachKind(catalog, followKind), catalog.subscribe(addAll));
  }
  return () => stops.forEach((stop) => stop());
}

function concernedOf<M>(
  watch: WatchWithMemory<M>,
  view: View,
  add: (key: string) => void,
  memory: Memory<M>,
): (changed: KubeObject, isGone: boolean) => void {
  const former = new Map<string, readonly string[]>();
  return (changed, isGone) => {
    const keys = watch.concerns(changed, view, memory).map(keyOf);
    keys.forEach(add);
    if (!watch.includesFormer) return;
    former.get(changed.metadata.uid)?.forEach(add);
    if (isGone || keys.length === 0) former.delete(changed.metadata.uid);
    else former.set(changed.metadata.uid, keys);
  };
}

/** `namespace/name`; the namespace is empty for kinds that have none. */
export function keyOf({ namespace, name }: ObjectName): string {
  return `${namespace ?? ""}/${name}`;
}

/** The inverse of {@linkcode keyOf}. Gives no namespace for kinds that have none. */
export function nameOf(key: string): ObjectName {
  const [namespace, name] = [key.slice(0, key.indexOf("/")), key.slice(key.indexOf("/") + 1)];
  return namespace === "" ? { name } : { namespace, name };
}

/** Creates an object. One of the same name that is there already counts as created. */
export function create<T extends KubeObject>(
  resource: Resource<T>,
  draft: Draft<T>,
  { event, refused }: { event?: Notice; refused?: (error: ApiError) => Write[] } = {},
): Write {
  return {
    verb: "create",
    resource,
    draft,
    ...(event && { event }),
    ...(refused && { refused }),
  };
}

/** Replaces all but the status. */
export function update<T extends KubeObject>(resource: Resource<T>, object: T): Write {
  return { verb: "update", resource, object };
}

/** Replaces the status alone. */
export function updateStatus<T extends KubeObject>(resource: Resource<T>, object: T): Write {
  return { verb: "updateStatus", resource, object };
}

/** Deletes this very object, not another one that has got its name since. */
export function remove<T extends KubeObject>(
  resource: Resource<T>,
  { metadata: { namespace, name, uid } }: KubeObject,
  { event, ...options }: DeleteOptions & { event?: Notice } = {},
): Write {
  return {
    verb: "delete",
    resource,
    name: namespace === undefined ? { name } : { namespace, name },
    options: { ...options, preconditions: { uid, ...options.preconditions } },
    ...(event && { event }),
  };
}

/** Writes a subresource of the object, e.g. the `binding` of a pod. */
export function act<T extends KubeObject>(
  resource: Resource<T>,
  { namespace, name }: ObjectName,
  subresource: string,
  body: object,
  { refused }: { refused?: (error: ApiError) => Write[] } = {},
): Write {
  const objectName = namespace === undefined ? { name } : { namespace, name };
  const made = { verb: "act" as const, resource, name: objectName, subresource, body };
  return refused ? { ...made, refused } : made;
}

/** Records an event, for people. */
export function recordEvent(event: Notice): Write {
  return { verb: "event", event };
}

/** The earlier of two times; `undefined` is never. */
export function earliest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}

/** A plan that may look again. */
export function plan(writes: readonly Write[], againAfterMs?: number): Plan {
  return againAfterMs === undefined ? { writes } : { writes, againAfterMs };
}
