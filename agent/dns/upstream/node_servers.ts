import { type NameServer, nameServersIn } from "./resolv_conf.ts";

/** How often it is looked whether the file has changed, while servers are asked. */
const LOOK_MS = 5_000;

/** The name servers of the node, read again when they may have changed and somebody wants to know. */
export class NodeServers {
  readonly #read: () => string;
  /** Addresses of this server: whoever asks it asks itself. */
  readonly #own: ReadonlySet<string>;
  #servers: readonly NameServer[] = [];
  #lookedMs = -Infinity;

  /** `read`: the text of `resolv.conf`; throws when there is none. */
  constructor(read: () => string, own: readonly string[]) {
    this.#read = read;
    this.#own = new Set(own);
  }

  at(nowMs: number): readonly NameServer[] {
    if (nowMs - this.#lookedMs < LOOK_MS) return this.#servers;
    this.#lookedMs = nowMs;
    this.#servers = nameServersIn(this.#text()).filter(({ address }) => !this.#own.has(address));
    return this.#servers;
  }

  #text(): string {
    try {
      return this.#read();
    } catch {
      return ""; // as glibc: then the machine itself is asked
    }
  }
}
