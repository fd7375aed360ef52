/** Questions of one client in a tenth of a second; more are dropped, so that the others are heard. */
const QUESTIONS_MAX = 1_000;
const WINDOW_MS = 100;
/** Questions of one client that other servers are being asked; more fail. */
const WAITING_MAX = 64;
/** Clients that are known; when there are more, all begin anew. */
const CLIENTS_MAX = 4_096;

interface Client {
  windowMs: number;
  questions: number;
  waiting: number;
}

/** What one client may ask, so that a pod that floods the server does not take it from all others. */
export class ClientLimits {
  readonly #clients = new Map<number, Client>();
  #last: Client | undefined;
  #lastSource = -1;

  /** Whether a question of the client is heard. `source`: its address as a number. */
  admits(source: number, nowMs: number): boolean {
    const client = this.#clientOf(source);
    if (nowMs - client.windowMs >= WINDOW_MS) {
      client.windowMs = nowMs;
      client.questions = 0;
    }
    return ++client.questions <= QUESTIONS_MAX;
  }

  /** Claims a place among the questions that wait for others; the function gives it back. `undefined`: there is none. */
  claim(source: number): (() => void) | undefined {
    const client = this.#clientOf(source);
    if (client.waiting >= WAITING_MAX) return undefined;
    client.waiting++;
    return () => void client.waiting--;
  }

  #clientOf(source: number): Client {
    if (source === this.#lastSource) return this.#last!;
    let client = this.#clients.get(source);
    if (client === undefined) {
      if (this.#clients.size >= CLIENTS_MAX) this.#clients.clear();
      client = { windowMs: -Infinity, questions: 0, waiting: 0 };
      this.#clients.set(source, client);
    }
    this.#last = client;
    this.#lastSource = source;
    return client;
  }
}
