import type { Clock } from "../../core/lib/clock.ts";
import { concat } from "../../core/lib/bytes.ts";
import type { Random } from "../../core/lib/random.ts";
import type { Met } from "./history.ts";

/** How well a link works. Chances are per message. */
export interface LinkQuality {
  isUp: boolean;
  loss: number;
  duplication: number;
  delayMaxMs: number;
}
export const GOOD_LINK: LinkQuality = { isUp: true, loss: 0, duplication: 0, delayMaxMs: 5 };

/** What a byte that waits counts for, so that small clusters reach the limit of a slow watcher: at 8 KiB. */
const BYTE_WEIGHT = 1_024;

/** Chance that what was written comes in two pieces. */
const SPLIT = 0.05;

export interface ConnectionOptions {
  clock: Clock;
  random: Random;
  quality: LinkQuality;
  /** Told of the whole answer, whether or not it arrives. */
  onAnswer(status: number, body: Uint8Array): void;
  onMeet(what: Met): void;
}

type ServerEvent = "close" | "error" | "drain";

/**
 * One request's answer on its way: what the API writes as to a socket of `node:http`, and what the client gets as a
 * `Response`. Bytes come late, in order, and in other pieces than they were written; a connection may be cut
 * anywhere, also in the middle of a line. While the link is down bytes wait.
 */
export class Connection {
  readonly response: Promise<Response>;
  readonly #options: ConnectionOptions;
  readonly #answered = Promise.withResolvers<Response>();
  readonly #listeners = new Map<ServerEvent, Set<() => void>>();
  readonly #body: Body;
  #status = 0;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #mustTellHead = false;
  #hasEnded = false;
  #isFlushing = false;
  #isOverAtServer = false;
  #isOverAtClient = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#body = new Body((reason) => this.loseClient(reason));
    this.response = this.#answered.promise;
    this.response.catch(() => {}); // a client that was killed asks no more
  }

  get isOver(): boolean {
    return this.#isOverAtClient && this.#isOverAtServer;
  }

  get writableLength(): number {
    return this.#waitingBytes * BYTE_WEIGHT;
  }

  get writableNeedDrain(): boolean {
    return false;
  }

  writeHead(status: number): this {
    this.#status = status;
    this.#mustTellHead = true;
    return this;
  }

  flushHeaders(): void {
    this.#flushSoon();
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isOverAtServer) return true;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
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

  /** The server cuts it off. */
  destroy(): void {
    this.#options.onMeet("a slow watcher was cut off");
    this.break();
  }

  on(event: ServerEvent, listener: () => void): void {
    if (!this.#listeners.has(event)) this.#listeners.set(event, new Set());
    this.#listeners.get(event)!.add(listener);
  }

  once(event: ServerEvent, listener: () => void): void {
    this.on(event, listener); // each event comes once at most
  }

  off(event: ServerEvent, listener: () => void): void {
    this.#listeners.get(event)?.delete(listener);
  }

  /** Both ends see that it is broken. What waits is lost. */
  break(): void {
    this.#leaveServer();
    this.#fail(new TypeError("connection reset by peer"));
  }

  /** The server is gone. The client learns it only when the link is up. */
  loseServer(): void {
    this.#leaveServer();
    if (this.#options.quality.isUp) this.#fail(new TypeError("connection reset by peer"));
  }

  /** The client asks no more. The server learns it only when the link is up. */
  loseClient(reason: unknown): void {
    this.#isOverAtClient = true;
    this.#answered.reject(reason);
    if (this.#options.quality.isUp) this.#leaveServer();
  }

  /** The link is up again: what waited goes on its way, or the connection has not outlived it. */
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
    this.#waiting = [];
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
    const bytes = this.#waiting.length === 1 ? this.#waiting[0]! : concat(this.#waiting);
    const isCut = random.chance(quality.loss);
    const isWhole = !isCut && !random.chance(SPLIT);
    if (this.#mustTellHead && !isCut) this.#tellHead();
    const arrived = isWhole ? bytes : bytes.subarray(0, random.integer(bytes.length + 1));
    this.#waiting = isWhole ? [] : [bytes.subarray(arrived.length)];
    this.#waitingBytes = bytes.length - arrived.length;
    if (arrived.length > 0) this.#body.put(arrived);
    if (isCut) {
      this.#options.onMeet("an answer was cut off");
      return this.break();
    }
    if (!isWhole) return this.#flushSoon();
    if (!this.#hasEnded) return;
    this.#isOverAtClient = true;
    this.#body.end();
  }

  #tellHead(): void {
    this.#mustTellHead = false;
    const response = { status: this.#status, body: this.#body };
    this.#answered.resolve(response as unknown as Response); // of which clients read no more than this
  }
}

/** The readable half of a web stream, as far as it is used: those of the platform take most of a simulated request. */
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
