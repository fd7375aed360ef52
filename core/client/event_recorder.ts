import { AssertionError } from "../lib/assert.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { timestamp } from "../lib/timestamp.ts";
import { type Event, events } from "../resources/events/events.ts";
import type { KubeObject } from "../resources/resource.ts";
import { ApiError } from "./api_error.ts";
import type { Client, Draft } from "./client.ts";

/** Notices that wait to be written; further ones are dropped. */
const WAITING_MAX = 1_000;
/** Events and objects that are remembered for counting and limiting. client-go: 4096. */
const REMEMBERED_MAX = 4_096;
/** client-go: 25 events of an object in a row, then one in 5 minutes. */
const BURST = 25;
const REFILL_MS = 300_000;
/** client-go: attempts for a failed write, and the wait between them. */
const TRIES_MAX = 12;
const RETRY_MS = 10_000;
const NAME_LENGTH_MAX = 253;

/** What to record about an object, as `kubectl describe` shows it. */
export interface Notice {
  about: KubeObject;
  type: "Normal" | "Warning";
  /** One word, in CamelCase, for machines. */
  reason: string;
  message: string;
  /** The part of the object concerned, such as `spec.containers{web}`. */
  fieldPath?: string;
}

export interface EventRecorderOptions {
  client: Pick<Client, "create" | "update">;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  /** Node on which the component runs; absent for the controllers. */
  host?: string;
}

interface Bucket {
  tokens: number;
  filledMs: number;
}

/**
 * Records what happens to objects, as `v1` Events.
 *
 * The same notice of the same component again raises the count of its event, as long as the event is kept;
 * events of an object that come too often are dropped for a while. Both as in client-go's `tools/record/events_cache.go`.
 * Recording never waits and never fails: what cannot be written is lost.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #waiting: { notice: Notice; component: string; recordedMs: number }[] = [];
  readonly #written = new Map<string, Event>();
  readonly #buckets = new Map<string, Bucket>();
  #draining: Promise<void> | undefined;
  #lastStamp = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  /** Records a notice. `component` is its source, e.g. `kubelet` or `deployment-controller`. */
  record(component: string, notice: Notice): void {
    const { clock } = this.#options;
    if (this.#waiting.length >= WAITING_MAX || !this.#isAllowed(component, notice)) return;
    const recordedMs = clock.now();
    this.#waiting.push({ notice, component, recordedMs });
    this.#draining ??= this.#drain();
  }

  /** Resolves when everything recorded so far is written or lost. */
  async settled(): Promise<void> {
    await this.#draining;
  }

  async #drain(): Promise<void> {
    await Promise.resolve(); // the caller's turn ends first
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      await this.#writeWithRetries(next.component, next.notice, next.recordedMs);
      if (this.#options.signal.aborted) this.#waiting.length = 0;
    }
    this.#draining = undefined;
  }

  async #writeWithRetries(component: string, notice: Notice, recordedMs: number): Promise<void> {
    const { clock, log, signal } = this.#options;
    for (let tries = 1; !signal.aborted; tries++) {
      try {
        return await this.#write(component, notice, recordedMs);
      } catch (error) {
        if (error instanceof AssertionError) throw error;
        const lost = error instanceof ApiError || tries === TRIES_MAX;
        log.debug("Cannot write an event", { reason: notice.reason, error, lost });
        if (lost) return;
        await clock.sleep(RETRY_MS, signal).catch(() => {}); // rejects only when the signal aborts
      }
    }
  }

  async #write(component: string, notice: Notice, recordedMs: number): Promise<void> {
    const { client, host } = this.#options;
    const key = JSON.stringify([
      component,
      objectKey(notice),
      notice.type,
      notice.reason,
      notice.message,
    ]);
    const known = this.#written.get(key);
    if (known !== undefined) {
      this.#written.delete(key);
      const counted = await orUndefined(
        client.update(events, {
          ...known,
          count: (known.count ?? 1) + 1,
          lastTimestamp: timestamp(recordedMs),
        }),
      );
      if (counted !== undefined) return remember(this.#written, key, counted);
    }
    const draft = draftOf(notice, { component, host, recordedMs, stamp: this.#stamp(recordedMs) });
    remember(this.#written, key, await client.create(events, draft));
  }

  #isAllowed(component: string, notice: Notice): boolean {
    const elapsedMs = this.#options.clock.elapsed();
    const key = `${component} ${objectKey(notice)}`;
    const { tokens, filledMs } = this.#buckets.get(key) ?? { tokens: BURST, filledMs: elapsedMs };
    const refilled = Math.min(BURST, tokens + (elapsedMs - filledMs) / REFILL_MS);
    this.#buckets.delete(key);
    remember(this.#buckets, key, {
      tokens: refilled < 1 ? refilled : refilled - 1,
      filledMs: elapsedMs,
    });
    return refilled >= 1;
  }

  /** A number that has not been used before, from the time in nanoseconds as client-go does. */
  #stamp(nowMs: number): number {
    this.#lastStamp = Math.max(nowMs * 1_000, this.#lastStamp + 1);
    return this.#lastStamp;
  }
}

interface Circumstances {
  component: string;
  host: string | undefined;
  recordedMs: number;
  stamp: number;
}

function draftOf(
  notice: Notice,
  { component, host, recordedMs, stamp }: Circumstances,
): Draft<Event> {
  const { about: { apiVersion, kind, metadata }, type, reason, message, fieldPath } = notice;
  const { name, namespace, uid, resourceVersion } = metadata;
  const suffix = `.${(BigInt(stamp) * 1_000n).toString(16)}`;
  return {
    metadata: {
      name: name.slice(0, NAME_LENGTH_MAX - suffix.length) + suffix,
      namespace: namespace ?? "default",
    },
    involvedObject: {
      apiVersion,
      kind,
      ...(namespace !== undefined && { namespace }),
      name,
      uid,
      resourceVersion,
      ...(fieldPath !== undefined && { fieldPath }),
    },
    type,
    reason,
    message,
    source: { component, ...(host !== undefined && { host }) },
    firstTimestamp: timestamp(recordedMs),
    lastTimestamp: timestamp(recordedMs),
    count: 1,
    reportingComponent: component,
    reportingInstance: host ?? "",
  };
}

function objectKey({ about: { kind, metadata }, fieldPath }: Notice): string {
  return `${kind} ${metadata.namespace ?? ""}/${metadata.name} ${metadata.uid} ${fieldPath ?? ""}`;
}

/** The event to be counted up may have expired or changed since: then a new one is made. */
async function orUndefined<T>(write: Promise<T>): Promise<T | undefined> {
  try {
    return await write;
  } catch (error) {
    if (error instanceof ApiError && (error.code === 404 || error.code === 409)) return undefined;
    throw error;
  }
}

function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.set(key, value);
  if (map.size > REMEMBERED_MAX) map.delete(map.keys().next().value!);
}
