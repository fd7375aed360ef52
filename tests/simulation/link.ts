import { Buffer } from "node:buffer";
import type { ApiRequest, Transport } from "../../core/client/server_link.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { NEVER, pause } from "./lifetime.ts";

/** The first match in an object is its own version, after name, namespace and uid. */
const VERSION = /"resourceVersion":"(\d+)"/;
const VERSION_BYTES_MAX = 1_024;

/** The server as seen from the network. */
export interface ServerEnd {
  /** Responds to a request of a node's agent through the connection, now or later. */
  answer(request: ApiRequest, connection: Connection, node: string): void;
  /** Aborts when the server's process is killed. */
  readonly signal: AbortSignal;
}

export interface LinkOptions extends Omit<ConnectionOptions, "onAnswer"> {
  /** The node whose agent is at this end. */
  name: string;
  /** `undefined` while the server is down. */
  server: () => ServerEnd | undefined;
  /** Called with the resourceVersion in the response to a write, whether or not the response arrives. */
  onAnswer(version: number): void;
}

/**
 * The network between one agent's process and the server: requests and responses are late, overtake each other, get
 * lost or arrive twice; connections break. A killed process receives nothing.
 */
export class SimulatedLink {
  readonly #options: LinkOptions;
  readonly #connections = new Set<Connection>();
  /** Paths that have been listed. */
  readonly #listed = new Set<string>();
  #isDead = false;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** One request. Rejects when the connection is refused or breaks; a lost request hangs. */
  readonly send: Transport = async (request) => {
    if (this.#isDead) return await NEVER;
    const { random, quality, onOccurrence } = this.#options;
    const isWatch = request.path.includes("watch=true");
    const copies = !isWatch && random.chance(quality.duplication) ? 2 : 1;
    if (copies === 2) onOccurrence("a request came twice");
    if (request.method === "GET" && !isWatch) {
      if (this.#listed.has(request.path)) onOccurrence("a kind was listed again");
      this.#listed.add(request.path);
    }
    const attempts = Array.from({ length: copies }, () => this.#deliver(request));
    for (const attempt of attempts) attempt.catch(() => {}); // the first one counts
    const [result] = await Promise.allSettled([Promise.race(attempts)]);
    if (this.#isDead) return await NEVER;
    if (result!.status === "rejected") throw result!.reason;
    return result!.value;
  };

  /** The process at this end is killed. */
  die(): void {
    this.#isDead = true;
    for (const connection of [...this.#connections]) {
      connection.loseClient(new Error("The process was killed"));
    }
  }

  /** All connections break. */
  cut(): void {
    for (const connection of [...this.#connections]) connection.break();
    this.#connections.clear();
  }

  /** To be called when the link is up again. */
  resume(): void {
    for (const connection of [...this.#connections]) connection.resume();
  }

  async #deliver(request: ApiRequest): Promise<Response> {
    const { clock, random, quality, server } = this.#options;
    await pause(clock, random.integer(quality.delayMaxMs + 1));
    const isLost = !quality.isUp || random.chance(quality.loss);
    if (isLost) this.#options.onOccurrence("a request was lost");
    const end = server();
    if (!isLost && end === undefined) throw new TypeError("connection refused");
    const connection = this.#newConnection(request);
    const cancel = () => connection.loseClient(request.signal.reason);
    request.signal.addEventListener("abort", cancel, { once: true });
    if (request.signal.aborted) cancel();
    if (!isLost) this.#ask(end!, request, connection);
    try {
      return await connection.response;
    } finally {
      request.signal.removeEventListener("abort", cancel);
    }
  }

  #ask(end: ServerEnd, request: ApiRequest, connection: Connection): void {
    const lose = () => connection.loseServer();
    end.signal.addEventListener("abort", lose, { once: true });
    connection.on("close", () => end.signal.removeEventListener("abort", lose));
    end.answer(request, connection, this.#options.name);
  }

  #newConnection({ method }: ApiRequest): Connection {
    const { onAnswer } = this.#options;
    for (const old of this.#connections) if (old.isOver) this.#connections.delete(old);
    const connection = new Connection({
      ...this.#options,
      onAnswer: (status, body) => {
        if (method === "GET" || status >= 300) return;
        const start = Buffer.from(body.subarray(0, VERSION_BYTES_MAX)).toString("latin1");
        const version = VERSION.exec(start)?.[1];
        if (version !== undefined) onAnswer(Number(version));
      },
    });
    this.#connections.add(connection);
    return connection;
  }
}
