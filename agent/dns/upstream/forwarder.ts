import type { Clock } from "../../../core/lib/clock.ts";
import {
  FAILED,
  isAnswerTo,
  isTruncated,
  type Lookup,
  type Question,
  readLookup,
} from "../messages/lookup.ts";
import { isBelow } from "../messages/names.ts";
import { questionBytes } from "../messages/question_bytes.ts";
import { TYPE } from "../messages/codes.ts";
import { AnswerCache } from "./answer_cache.ts";
import type { NameServer } from "./resolv_conf.ts";

/** How other servers are asked. Resolves with `undefined` when there is no answer in time; never rejects. */
export interface Transport {
  /** Resolves with the first datagram from the server that is accepted; each question comes from a port of its own. */
  byDatagram(
    server: NameServer,
    question: Uint8Array,
    accepts: (message: Uint8Array) => boolean,
    timeoutMs: number,
  ): Promise<Uint8Array | undefined>;
  byStream(
    server: NameServer,
    question: Uint8Array,
    timeoutMs: number,
  ): Promise<Uint8Array | undefined>;
}

/** Whom to ask for names of a domain; that of all others is `""`. */
export interface Route {
  readonly domain: string;
  readonly servers: readonly NameServer[];
}

export interface ForwarderOptions {
  transport: Transport;
  clock: Pick<Clock, "elapsed">;
  /** The routes as they are now; the most specific domain that fits is taken. */
  routes: () => readonly Route[];
  /** Unpredictable, below 65,536: who cannot see the question cannot forge its answer. */
  randomId: () => number;
  /** Called when a question of ours has come back to us: we would ask ourselves for ever. */
  onLoop?: () => void;
}

/** As glibc asks, but faster: a client waits five seconds. */
const ROUNDS = 2;
const TIMEOUT_MS = 1_500;
/** Different questions that are asked at once. */
const ASKED_MAX = 256;
/** After nobody has answered, nobody is asked for so long. */
const DOWN_MS = 2_000;
/** How long nobody is asked when a question has come back, and how often it is found out whether one would. */
const LOOP_MS = 30_000;

/**
 * Finds out names that are not the cluster's by asking other servers. Equal questions that come at once are asked once. When
 * nobody answers, an older answer is told, and the next question does not wait for the servers again.
 */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #cache = new AnswerCache();
  readonly #asked = new Map<string, Promise<Lookup>>();
  /** When somebody last answered, and until when nobody is asked; by the domain of the route. */
  readonly #answeredMs = new Map<string, number>();
  readonly #downUntilMs = new Map<string, number>();
  #loopUntilMs = -Infinity;
  #probedMs = -Infinity;
  #probe = "";

  constructor(options: ForwarderOptions) {
    this.#options = options;
  }

  lookup(question: Question): Lookup | Promise<Lookup> {
    const key = `${question.type} ${question.name}`;
    const nowMs = this.#options.clock.elapsed();
    const fresh = this.#cache.fresh(key, nowMs);
    if (fresh !== undefined) return fresh;
    const asked = this.#asked.get(key);
    if (asked !== undefined) return asked;
    const route = this.#routeOf(question.name);
    const isDown =
      nowMs < Math.max(this.#loopUntilMs, this.#downUntilMs.get(route?.domain ?? "") ?? 0);
    if (route === undefined || isDown || this.#asked.size >= ASKED_MAX) {
      return this.#cache.stale(key, nowMs) ?? FAILED;
    }
    const answer = this.#find(question, key, route).finally(() => this.#asked.delete(key));
    this.#asked.set(key, answer);
    return answer;
  }

  /** Tells of a name that a client asks for: ours, when a server has sent our question back. */
  notice(name: string): void {
    if (name !== this.#probe || name === "") return;
    this.#loopUntilMs = this.#options.clock.elapsed() + LOOP_MS;
    this.#options.onLoop?.();
  }

  #routeOf(name: string): Route | undefined {
    const fitting = this.#options.routes().filter(({ domain, servers }) =>
      isBelow(name, domain) && servers.length > 0
    );
    return fitting.sort((a, b) => b.domain.length - a.domain.length)[0];
  }

  async #find(question: Question, key: string, route: Route): Promise<Lookup> {
    const { clock } = this.#options, askedMs = clock.elapsed();
    if (askedMs - this.#probedMs >= LOOP_MS) void this.#probeLoop(route);
    const found = await this.#ask(question, route);
    const nowMs = clock.elapsed();
    if (found !== undefined) return this.#cache.store(key, found, nowMs);
    const isSilent = (this.#answeredMs.get(route.domain) ?? -Infinity) < askedMs;
    if (isSilent) this.#downUntilMs.set(route.domain, nowMs + DOWN_MS);
    return this.#cache.stale(key, nowMs) ?? FAILED;
  }

  /** Asks for a name that nobody else knows, once for each time without questions. */
  async #probeLoop(route: Route): Promise<void> {
    this.#probedMs = this.#options.clock.elapsed();
    const { randomId } = this.#options;
    const label = [randomId(), randomId(), randomId(), randomId()].map((each) => each.toString(36));
    this.#probe = `${label.join("-")}.loop.invalid`;
    await this.#askOne({ name: this.#probe, type: TYPE.TXT }, route.servers[0]!);
  }

  async #ask(question: Question, { domain, servers }: Route): Promise<Lookup | undefined> {
    for (let round = 0; round < ROUNDS; round++) {
      for (const server of servers) {
        const message = await this.#askOne(question, server);
        if (message === undefined) continue;
        this.#answeredMs.set(domain, this.#options.clock.elapsed());
        const found = readLookup(message, question);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  }

  async #askOne(question: Question, server: NameServer): Promise<Uint8Array | undefined> {
    const { transport, randomId } = this.#options, id = randomId();
    const bytes = questionBytes(question, id);
    if (bytes === undefined) return undefined;
    const accepts = (message: Uint8Array) => isAnswerTo(message, question, id);
    const message = await transport.byDatagram(server, bytes, accepts, TIMEOUT_MS);
    if (message === undefined || !isTruncated(message)) return message;
    const whole = await transport.byStream(server, bytes, TIMEOUT_MS);
    return whole !== undefined && accepts(whole) ? whole : undefined;
  }
}
