import type { Client, DeleteOptions, Draft, ObjectName } from "../../core/client/client.ts";
import type { Clock } from "../../core/lib/clock.ts";
import type { Random } from "../../core/lib/random.ts";
import type { KubeObject, Resource } from "../../core/resources/resource.ts";
import { NEVER } from "./lifetime.ts";

/** How well a link works. Chances are per message. */
export interface LinkQuality {
  isUp: boolean;
  loss: number;
  duplication: number;
  delayMaxMs: number;
}
export const GOOD_LINK: LinkQuality = { isUp: true, loss: 0, duplication: 0, delayMaxMs: 5 };

/** After so long without an answer a client gives up; the request may still arrive. */
const ANSWER_MS = 5_000;

export interface LinkOptions {
  clock: Clock;
  random: Random;
  /** The server's end; `undefined` while the server is down. */
  server: () => Client | undefined;
  quality: LinkQuality;
  /** Told of what the server has answered, whether or not the answer arrives. */
  onAnswer(answer: unknown): void;
}

/**
 * The API as an agent sees it over a bad network: requests are late, overtake each other, get lost or arrive
 * twice, and so do answers. Nothing is said after the client has died.
 */
export class LinkedClient implements Client {
  readonly #options: LinkOptions;
  #isDead = false;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** Whoever waits waits for ever, as in a process that was killed. */
  die(): void {
    this.#isDead = true;
  }

  create<T extends KubeObject>(resource: Resource<T>, draft: Draft<T>): Promise<T> {
    return this.#send((server) => server.create(resource, draft));
  }

  update<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T> {
    return this.#send((server) => server.update(resource, object));
  }

  updateStatus<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T> {
    return this.#send((server) => server.updateStatus(resource, object));
  }

  delete<T extends KubeObject>(
    resource: Resource<T>,
    name: ObjectName,
    options?: DeleteOptions,
  ): Promise<void> {
    return this.#send((server) => server.delete(resource, name, options));
  }

  bind(pod: ObjectName, nodeName: string): Promise<void> {
    return this.#send((server) => server.bind(pod, nodeName));
  }

  async #send<T>(call: (server: Client) => Promise<T>): Promise<T> {
    if (this.#isDead) return await NEVER;
    const { clock, random, quality } = this.#options;
    const copies = random.chance(quality.duplication) ? 2 : 1;
    const attempts = Array.from({ length: copies }, () => this.#carry(call));
    const timer = new AbortController();
    const late = clock.sleep(ANSWER_MS, timer.signal).then(() => {
      throw new Error("Cannot reach the server: no answer");
    });
    const settled = await Promise.allSettled([Promise.race([...attempts, late])]);
    timer.abort();
    late.catch(() => {});
    for (const attempt of attempts) attempt.catch(() => {});
    if (this.#isDead) return await NEVER;
    const [first] = settled;
    if (first!.status === "rejected") throw first!.reason;
    return first!.value;
  }

  /** One request and its answer. What is lost is never heard of again. */
  async #carry<T>(call: (server: Client) => Promise<T>): Promise<T> {
    const { server, onAnswer } = this.#options;
    if (!await this.#pass()) return await NEVER;
    const end = server();
    if (end === undefined) throw new Error("Cannot reach the server: connection refused");
    const [answer] = await Promise.allSettled([call(end)]);
    if (answer.status === "fulfilled") onAnswer(answer.value);
    if (!await this.#pass()) return await NEVER;
    if (answer.status === "rejected") throw answer.reason;
    return answer.value;
  }

  async #pass(): Promise<boolean> {
    const { clock, random, quality } = this.#options;
    await clock.sleep(random.integer(quality.delayMaxMs + 1));
    return quality.isUp && !random.chance(quality.loss);
  }
}
