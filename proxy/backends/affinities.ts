/** Clients that a backend remembers; the one that came longest ago makes room. */
const CLIENTS_MAX = 65_536;

/** Which endpoint each client of a backend had last, and when. */
export class Affinities {
  readonly #clients = new Map<string, { endpoint: string; usedMs: number }>();

  /** The key of the client's endpoint, unless it has been away for `affinityMs`. */
  endpointOf(client: string, nowMs: number, affinityMs: number): string | undefined {
    const known = this.#clients.get(client);
    if (known === undefined) return undefined;
    if (nowMs - known.usedMs < affinityMs) return known.endpoint;
    this.#clients.delete(client);
    return undefined;
  }

  /** Each new connection of a client begins its time anew. */
  note(client: string, endpoint: string, nowMs: number): void {
    this.#clients.delete(client);
    if (this.#clients.size >= CLIENTS_MAX) {
      this.#clients.delete(this.#clients.keys().next().value!);
    }
    this.#clients.set(client, { endpoint, usedMs: nowMs });
  }
}
