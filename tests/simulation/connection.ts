import type { Clock } from "../../core/lib/clock.ts";
import { concat } from "../../core/lib/bytes.ts";
import type { Random } from "../../core/lib/random.ts";
import type { Occurrence } from "./history.ts";

/** The quality of a link. Chances are per message. */
export interface LinkQuality {
  isUp: boolean;
  loss: number;
  duplication: number;
  delayMaxMs: number;
}
export const GOOD_LINK: LinkQuality = { isUp: true, loss: 0, duplication: 0, delayMaxMs: 5 };

/** Each queued byte counts this often, so that small clusters reach the limit of a slow watcher: at 8 KiB. */
const BYTE_WEIGHT = 1_024;

/** Chance that a write arrives in two pieces. */
const SPLIT = 0.05;

export interface ConnectionOptions {
  clock: Clock;
  random: Random;
  quality: LinkQuality;
  /** Called with the whole response, whether or not it arrives. */
  onAnswer(status: number, body: Uint8Array): void;
  onOccurrence(what: Occurrence): void;
}

type ServerEvent = "close" | "error" | "drain";

/**
 * One response on its way: the API writes to it as to a `ServerResponse` of `node:http`, and the client gets a
 * `Response`. Bytes arrive late, in order, and in other pieces than they were written; a connection may break
 * anywhere, even in the middle of a line. While the link is down bytes are queued.
 */
export class Connection {
  readonly response: Promise<Response>;
  readonly #options: ConnectionOptions;
  readonly #answered = Promise.withResolvers<Response>();
  readonly #listeners = new Map<ServerEvent, Set<() => void>>();
  readonly #body: Body;
  #status = 0;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #mustSendHead = false;
  #hasEnded = false;
  #isFlushing = false;
  #isOverAtServer = false;
  #isOverAtClient = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#body = new Body((reason) => this.loseClient(reason));
    this.response = this.#answered.promise;
    this.response.catch(() => {}); // nobody awaits it when the client was killed
  }

  get isOver(): boolean {
    return this.#isOverAtClient && this.#isOverAtServer;
  }

  get writableLength(): number {
    return this.#queuedBytes * BYTE_WEIGHT;
  }

  get writableNeedDrain(): boolean {
    return false;
  }

  writeHead(status: number): this {
    this.#status = status;
    this.#mustSendHead = true;
    return this;
  }

  flushHeaders(): void {
    this.#flushSoon();
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isOverAtServer) return true;
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    this.#flushSoon();
    return true;
  }

  end(bytes?: Uint8Array): void {
    if (this.#isOverAtServer) return;
    if (bytes !== undefined) {
      this.#options.onAnswer(this.#status, bytes);
      this.write(bytes);
    }
    this.#hasEnded = true;
    this.#flushSoon();
    this.#leaveServer();
  }

  /** The server cuts the connection. */
  destroy(): void {
    this.#options.onOccurrence("a slow watcher was cut off");
    this.break();
  }

  on(event: ServerEvent, listener: () => void): void {
    if (!this.#listeners.has(event)) this.#listeners.set(event, new Set());
    this.#listeners.get(event)!.add(listener);
  }

  once(event: ServerEvent, listener: () => void): void {
    this.on(event, listener); // each event occurs at most once
  }

  off(event: ServerEvent, listener: () => void): void {
    this.#listeners.get(event)?.delete(listener);
  }

  /** Both ends see a broken connection. Queued bytes are lost. */
  break(): void {
    this.#leaveServer();
    this.#fail(new TypeError("connection reset by peer"));
  }

  /** The server was killed. The client notices only while the link is up. */
  loseServer(): void {
    this.#leaveServer();
    if (this.#options.quality.isUp) this.#fail(new TypeError("connection reset by peer"));
  }

  /** The client has gone away. The server notices only while the link is up. */
  loseClient(reason: unknown): void {
    this.#isOverAtClient = true;
    this.#answered.reject(reason);
    if (this.#options.quality.isUp) this.#leaveServer();
  }

  /** The link is up again: queued bytes are sent, or the connection has not survived. */
  resume(): void {
    if (this.#isOverAtClient || this.#options.random.chance(0.5)) return this.break();
    this.#flushSoon();
  }

  #leaveServer(): void {
    if (this.#isOverAtServer) return;
    this.#isOverAtServer = true;
    for (const listener of this.#listeners.get("close") ?? []) listener();
  }

  #fail(error: unknown): void {
    this.#queue = [];
    if (this.#isOverAtClient) return;
    this.#isOverAtClient = true;
    this.#answered.reject(error);
    this.#body.fail(error);
  }

  #flushSoon(): void {
    const { clock, random, quality } = this.#options;
    if (this.#isFlushing || !quality.isUp) return;
    this.#isFlushing = true;
    clock.after(random.integer(quality.delayMaxMs + 1), () => {
      this.#isFlushing = false;
      if (quality.isUp && !this.#isOverAtClient) this.#flush();
    });
  }

  #flush(): void {
    const { random, quality } = this.#options;
    const bytes = this.#queue.length === 1 ? this.#queue[0]! : concat(this.#queue);
    const isCut = random.chance(quality.loss);
    const isWhole = !isCut && !random.chance(SPLIT);
    if (this.#mustSendHead && !isCut) this.#sendHead();
    const arrived = isWhole ? bytes : bytes.subarray(0, random.integer(bytes.length + 1));
    this.#queue = isWhole ? [] : [bytes.subarray(arrived.length)];
    this.#queuedBytes = bytes.length - arrived.length;
    if (arrived.length > 0) this.#body.put(arrived);
    if (isCut) {
      this.#options.onOccurrence("an answer was cut off");
      return this.break();
    }
    if (!isWhole) return this.#flushSoon();
    if (!this.#hasEnded) return;
    this.#isOverAtClient = true;
    this.#body.end();
  }

  #sendHead(): void {
    this.#mustSendHead = false;
    const response = { status: this.#status, body: this.#body };
    this.#answered.resolve(response as unknown as Response); // clients read no more of it than this
  }
}

/** As much of a web stream as is used: the platform's streams would take most of the time of a simulated request. */
class Body {
  readonly #onCancel: (reason: unknown) => void;
  readonly #chunks: Uint8Array[] = [];
  #error: unknown;
  #state: "open" | "ended" | "failed" = "open";
  #wake: (() => void) | undefined;

  constructor(onCancel: (reason: unknown) => void) {
    this.#onCancel = onCancel;
  }

  put(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.#wake?.();
  }

  end(): void {
    this.#state = "ended";
    this.#wake?.();
  }

  fail(error: unknown): void {
    if (this.#state !== "open") return;
    this.#state = "failed";
    this.#error = error;
    this.#wake?.();
  }

  getReader() {
    return {
      read: () => this.#read(),
      cancel: (reason: unknown) => {
        if (this.#state === "open") this.#onCancel(reason);
        this.#chunks.length = 0;
        this.end();
        return Promise.resolve();
      },
    };
  }

  async #read(): Promise<{ done: boolean; value: Uint8Array | undefined }> {
    while (this.#chunks.length === 0 && this.#state === "open") {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const value = this.#chunks.shift();
    if (value !== undefined) return { done: false, value };
    if (this.#state === "failed") throw this.#error;
    return { done: true, value: undefined };
  }
}
