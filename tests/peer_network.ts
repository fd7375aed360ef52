import { closeQuietly, Gate } from "./gate.ts";

/** Addresses for documentation, which no machine has (RFC 5737). */
const SUBNET = "192.0.2";
const PORT = 2380;
const HEAD_BYTES_MAX = 4096;

/**
 * The network between the members of an etcd cluster, in this process: each member reaches the others through its own
 * proxy (`HTTPS_PROXY`), which therefore knows who connects to whom, so that any pair can be disconnected. Members
 * advertise addresses that only these proxies know.
 */
export class PeerNetwork {
  readonly #ports: readonly number[];
  readonly #proxies: readonly Deno.TcpListener[];
  /** By the numbers of both members, the lower one first. */
  readonly #gates = new Map<string, Gate>();
  readonly #connections = new Set<Deno.TcpConn>();

  /** `ports`: the port on loopback on which each member listens for its peers. */
  constructor(ports: readonly number[]) {
    this.#ports = ports;
    this.#proxies = ports.map(() => Deno.listen({ hostname: "127.0.0.1", port: 0 }));
    for (const [i, proxy] of this.#proxies.entries()) void this.#accept(i, proxy);
  }

  /** The URL of a member for the others. */
  static urlOf(member: number): string {
    return `https://${SUBNET}.${member + 1}:${PORT}`;
  }

  /** The proxy of a member. */
  proxyOf(member: number): string {
    return `http://127.0.0.1:${this.#proxies[member]!.addr.port}`;
  }

  /** Disconnects members of different groups from each other. */
  part(groups: readonly (readonly number[])[]): void {
    const groupOf = (member: number) => groups.findIndex((group) => group.includes(member));
    for (const [one] of this.#ports.entries()) {
      for (let other = one + 1; other < this.#ports.length; other++) {
        if (groupOf(one) !== groupOf(other)) this.#gate(one, other).cut();
      }
    }
  }

  /** Reconnects all; what was sent meanwhile arrives now. */
  mend(): void {
    for (const gate of this.#gates.values()) gate.mend();
  }

  close(): void {
    this.mend();
    for (const proxy of this.#proxies) proxy.close();
    for (const connection of this.#connections) closeQuietly(connection);
  }

  #gate(one: number, other: number): Gate {
    const pair = [one, other].sort().join("-");
    let gate = this.#gates.get(pair);
    if (!gate) this.#gates.set(pair, gate = new Gate());
    return gate;
  }

  async #accept(from: number, proxy: Deno.TcpListener): Promise<void> {
    for await (const near of proxy) {
      this.#connections.add(near);
      void this.#join(from, near);
    }
  }

  async #join(from: number, near: Deno.TcpConn): Promise<void> {
    try {
      const to = await askedFor(near);
      const far = await Deno.connect({ hostname: "127.0.0.1", port: this.#ports[to]! });
      this.#connections.add(far);
      await near.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\n\r\n"));
      await this.#gate(from, to).join(near, far);
    } catch {
      closeQuietly(near); // the member is gone
    }
  }
}

/** The member whose address a proxy is asked to connect to; nothing follows before it has answered. */
async function askedFor(connection: Deno.TcpConn): Promise<number> {
  const buffer = new Uint8Array(HEAD_BYTES_MAX);
  let head = "";
  while (!head.endsWith("\r\n\r\n")) {
    const count = await connection.read(buffer);
    if (count === null) throw new Error("nobody was asked for");
    head += new TextDecoder().decode(buffer.subarray(0, count));
  }
  const [, host] = /^CONNECT 192\.0\.2\.(\d+):/.exec(head) ?? [];
  if (host === undefined) throw new Error(`what is asked for is no member: ${head}`);
  return Number(host) - 1;
}
