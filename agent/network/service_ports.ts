/**
 * Ports behind which those of services are listened on: above the kernel's own (`ip_local_port_range`) and those of
 * NodePorts, where hardly anybody listens.
 */
export const FIRST_PORT = 61_000;
export const PORTS_MAX = 4_096;
/** Those that every node has: the API's and that of names. */
export const USUAL_PORTS: readonly number[] = [53, 443];

/** By the ports of services, the ports that are listened on for them. */
export type LedPorts = ReadonlyMap<number, number>;

/**
 * Adds ports to those that are led already, which keep theirs. Each goes to the place that its own number gives, or the next
 * one that is free, so that it is the same after a restart. When there are too many, those that are not wanted now give way;
 * what is still too much is left out.
 */
export function withPorts(before: LedPorts, wanted: ReadonlySet<number>): LedPorts {
  const missing = [...wanted].filter((port) => !before.has(port)).toSorted((a, b) => a - b);
  if (missing.length === 0) return before;
  const isFull = before.size + missing.length > PORTS_MAX;
  const kept = isFull ? [...before].filter(([port]) => wanted.has(port)) : before;
  const led = new Map(kept), taken = new Set(led.values());
  for (const port of missing) {
    if (led.size >= PORTS_MAX) break;
    let place = port % PORTS_MAX;
    while (taken.has(FIRST_PORT + place)) place = (place + 1) % PORTS_MAX;
    led.set(port, FIRST_PORT + place);
    taken.add(FIRST_PORT + place);
  }
  return led;
}

/**
 * Rules of nftables, in one transaction, by which what is sent to an address of a service arrives at another port of that
 * address, as long as it is in a map: so a process of this machine may have the port that a service has, on all addresses.
 * What is not in the map is refused, as by kube-proxy, and does not reach such a process by an address of a service.
 */
export function ledText(table: string, serviceCIDR: string, ports: LedPorts): string {
  const chain = (name: string, hook: string) =>
    `add chain ip ${table} ${name} { ${hook} policy accept; }\nflush chain ip ${table} ${name}\n`;
  const rule = (chain: string, text: string) =>
    `add rule ip ${table} ${chain} ip daddr ${serviceCIDR} ${text}\n`;
  const lead = (chain: string) =>
    rule(chain, "meta l4proto tcp dnat to :tcp dport map @ports") +
    rule(chain, "meta l4proto udp dnat to :udp dport map @ports");
  const isStrange = "ct state new ct status & dnat == 0";
  const elements = [...ports].map(([port, led]) => `${port} : ${led}`).join(", ");
  return [
    `add map ip ${table} ports { type inet_service : inet_service; }\n`,
    chain("led", "type nat hook prerouting priority dstnat;"),
    lead("led"),
    chain("ledhere", "type nat hook output priority -100;"),
    lead("ledhere"),
    chain("closed", "type filter hook input priority filter;"),
    rule("closed", `${isStrange} meta l4proto tcp reject with tcp reset`),
    rule("closed", `${isStrange} meta l4proto udp reject`),
    `flush map ip ${table} ports\n`,
    elements && `add element ip ${table} ports { ${elements} }\n`,
  ].join("");
}

/** The rules of the kernel, as far as they lead ports. */
export interface PortRules {
  /** What they lead now; `undefined`: nothing, as this kernel cannot. */
  readonly led: LedPorts | undefined;
  /** Resolves when it is done, or has failed and all is as before. */
  lead(ports: LedPorts): Promise<void>;
}

/** Where listeners for services listen, so that they are in nobody's way. */
export class ServicePorts {
  readonly range: string;
  readonly #rules: PortRules;
  #last: Promise<unknown> = Promise.resolve();

  constructor(range: string, rules: PortRules) {
    this.range = range;
    this.#rules = rules;
  }

  /** The port to listen on for a port of services, as it is now. */
  portFor(port: number): number {
    return this.#rules.led?.get(port) ?? port;
  }

  /** Makes ready for all of these. What is not in the answer is listened on as it is. */
  lead(ports: ReadonlySet<number>): Promise<LedPorts> {
    const done = this.#last.then(async () => {
      const { led } = this.#rules;
      if (led === undefined) return new Map<number, number>();
      const next = withPorts(led, new Set([...USUAL_PORTS, ...ports]));
      if (next !== led) await this.#rules.lead(next);
      return this.#rules.led ?? new Map<number, number>();
    });
    this.#last = done.catch(() => {}); // its own caller gets the error
    return done;
  }
}
