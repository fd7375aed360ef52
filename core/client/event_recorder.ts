import { ENDED } from "../lib/abort.ts";
import { AssertionError } from "../lib/assert.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { timestamp } from "../lib/timestamp.ts";
import { type Event, events } from "../resources/events/events.ts";
import type { KubeObject } from "../resources/resource.ts";
import { ApiError } from "./api_error.ts";
import type { Client, Draft } from "./client.ts";
import { LinkError } from "./link_error.ts";

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
/** client-go: so many messages of one reason, each no more than this long after the one before, become one event. */
const SIMILAR_MAX = 10;
const SIMILAR_MS = 600_000;
const COMBINED = "(combined from similar events): ";
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
  /** How far the machine's clock is ahead of the server's, by which events say when something happened. Absent: not at all. */
  time?: { readonly aheadMs: number };
  /** Node on which the component runs; absent for the controllers. */
  host?: string;
  /**
   * Calls `listener` when the API answers again after it did not; returns the stop. With it nothing is lost while the API
   * cannot be reached, up to {@linkcode WAITING_MAX} notices. Absent: what cannot be written for two minutes is lost.
   */
  onRestored?(listener: () => void): () => void;
  /** Where notices are kept that cannot be written yet; absent: nowhere. */
  kept?: KeptNotices;
}

/** The same notice, as often as it was recorded since the last write. */
export interface WaitingNotice {
  readonly notice: Notice;
  readonly component: string;
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

/** Notices that an earlier process could not write, by keys. */
export interface KeptNotices {
  all(): readonly (readonly [key: string, WaitingNotice])[];
  keep(key: string, waiting: WaitingNotice): void;
  forget(key: string): void;
}

/** Clocks that differ by less are right. */
const CLOCK_TOLERANCE_MS = 60_000;

interface Similar {
  messages: Set<string>;
  lastMs: number;
}

interface Bucket {
  tokens: number;
  filledMs: number;
}

/**
 * Records what happens to objects, as `v1` Events.
 *
 * The same notice of the same component again raises the count of its event, as long as the event is kept; many that
 * differ in their messages alone become one, see {@linkcode SimilarNotices}; events of an object that come too often are
 * dropped for a while. All as in client-go's `tools/record/events_cache.go`.
 * Recording never waits and never fails: what cannot be written is lost, or told with its true times when the API can be
 * reached again.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  /** In the order in which they came. */
  readonly #waiting: Map<string, WaitingNotice>;
  readonly #written = new Map<string, Event>();
  readonly #buckets = new Map<string, Bucket>();
  readonly #similar = new SimilarNotices();
  #draining: Promise<void> | undefined;
  #lastStamp = 0;
  /** Whether the API could not be reached the last time. */
  #isCutOff = false;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#waiting = new Map(options.kept?.all());
    if (this.#waiting.size > 0) this.#draining = this.#drain();
  }

  /** Records a notice. `component` is its source, e.g. `kubelet` or `deployment-controller`. */
  record(component: string, given: Notice): void {
    const { clock, kept } = this.#options;
    const combined = this.#similar.combined(component, given, clock.elapsed());
    const { notice, key = keyOf(component, notice) } = combined;
    const before = this.#waiting.get(key);
    if (before === undefined && this.#waiting.size >= WAITING_MAX) return;
    if (!this.#isAllowed(component, notice)) return;
    const nowMs = clock.now();
    const waiting = before
      ? { ...before, notice, count: before.count + 1, lastMs: nowMs }
      : { notice, component, count: 1, firstMs: nowMs, lastMs: nowMs };
    this.#waiting.set(key, waiting);
    if (this.#isCutOff) kept?.keep(key, waiting);
    this.#draining ??= this.#drain();
  }

  /** Resolves when everything recorded so far is written or lost. */
  async settled(): Promise<void> {
    await this.#draining;
  }

  async #drain(): Promise<void> {
    await Promise.resolve(); // the caller's turn ends first
    for (let key = firstOf(this.#waiting); key !== undefined; key = firstOf(this.#waiting)) {
      await this.#writeWithRetries(key);
      if (this.#options.signal.aborted) this.#waiting.clear();
    }
    this.#draining = undefined;
  }

  async #writeWithRetries(key: string): Promise<void> {
    const { log, signal } = this.#options;
    for (let tries = 1; !signal.aborted; tries++) {
      const waiting = this.#waiting.get(key)!;
      try {
        await this.#write(key, waiting);
        this.#isCutOff = false;
        return this.#forget(key, waiting);
      } catch (error) {
        if (error instanceof AssertionError) throw error;
        const lost = error instanceof ApiError || (tries >= TRIES_MAX && !this.#canWait(error));
        log.debug("Cannot write an event", { reason: waiting.notice.reason, error, lost });
        if (lost) return this.#forget(key, this.#waiting.get(key)!);
        if (this.#canWait(error)) this.#cutOff();
        await this.#rest();
      }
    }
  }

  #canWait(error: unknown): boolean {
    return error instanceof LinkError && this.#options.onRestored !== undefined;
  }

  /** From now on a later process hears of what waits, if this one does not write it. */
  #cutOff(): void {
    if (this.#isCutOff) return;
    this.#isCutOff = true;
    for (const [key, waiting] of this.#waiting) this.#options.kept?.keep(key, waiting);
  }

  async #rest(): Promise<void> {
    const { clock, signal, onRestored } = this.#options;
    const restored = new AbortController();
    const release = onRestored?.(() => restored.abort(ENDED));
    const either = AbortSignal.any([signal, restored.signal]);
    await clock.sleep(RETRY_MS, either).catch(() => {}); // rejects only when a signal aborts
    release?.();
  }

  /** What came while it was written is told with another write. */
  #forget(key: string, { count }: WaitingNotice): void {
    const now = this.#waiting.get(key);
    this.#waiting.delete(key);
    this.#options.kept?.forget(key);
    if (now === undefined || now.count === count) return;
    this.#waiting.set(key, { ...now, firstMs: now.lastMs, count: now.count - count });
  }

  async #write(key: string, given: WaitingNotice): Promise<void> {
    const { client, host, time } = this.#options;
    const aheadMs = time && Math.abs(time.aheadMs) > CLOCK_TOLERANCE_MS ? time.aheadMs : 0;
    const [firstMs, lastMs] = [given.firstMs, given.lastMs].map((ms) => Math.round(ms - aheadMs));
    const waiting = { ...given, firstMs: firstMs!, lastMs: lastMs! };
    const known = this.#written.get(key);
    if (known !== undefined) {
      this.#written.delete(key);
      const counted = await orUndefined(
        client.update(events, {
          ...known,
          message: waiting.notice.message, // of similar ones the newest is told
          count: (known.count ?? 1) + waiting.count,
          lastTimestamp: timestamp(waiting.lastMs),
        }),
      );
      if (counted !== undefined) return remember(this.#written, key, counted);
    }
    const draft = draftOf(waiting, { host, stamp: this.#stamp(waiting.firstMs) });
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

/**
 * Combines notices of one object that say the same of ever other things: from the tenth message on they are told by one
 * event, with the newest message. client-go: `EventAggregator` of `tools/record/events_cache.go`.
 */
class SimilarNotices {
  /** The one that was longest without news first. */
  readonly #similar = new Map<string, Similar>();

  /** The notice as it is to be told, and by what key it is counted, if not by itself. `nowMs`: on a clock that does not jump. */
  combined(component: string, notice: Notice, nowMs: number): { notice: Notice; key?: string } {
    const key = similarityOf(component, notice);
    const before = this.#similar.get(key);
    const isRecent = before !== undefined && nowMs - before.lastMs <= SIMILAR_MS;
    const messages = isRecent ? before.messages : new Set<string>();
    messages.add(notice.message);
    this.#similar.delete(key);
    remember(this.#similar, key, { messages, lastMs: nowMs });
    if (messages.size < SIMILAR_MAX) return { notice };
    messages.delete(messages.keys().next().value!); // so that the next one makes it full again
    return { notice: { ...notice, message: COMBINED + notice.message }, key };
  }
}

function draftOf(
  { notice, component, count, firstMs, lastMs }: WaitingNotice,
  { host, stamp }: { host: string | undefined; stamp: number },
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
    firstTimestamp: timestamp(firstMs),
    lastTimestamp: timestamp(lastMs),
    count,
    reportingComponent: component,
    reportingInstance: host ?? "",
  };
}

/** The same for the same notice. */
function keyOf(component: string, notice: Notice): string {
  const { type, reason, message } = notice;
  return JSON.stringify([component, objectKey(notice), type, reason, message]);
}

/** Equal for notices that differ in their message alone, or in the part of the object. */
function similarityOf(component: string, { about, type, reason }: Notice): string {
  const { apiVersion, kind, metadata: { namespace, name, uid } } = about;
  return JSON.stringify([component, apiVersion, kind, namespace, name, uid, type, reason]);
}

function firstOf(waiting: ReadonlyMap<string, WaitingNotice>): string | undefined {
  const { done, value } = waiting.keys().next();
  return done ? undefined : value;
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
