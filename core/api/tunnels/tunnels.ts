import type { Clock } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import { MuxTunnel } from "../../client/tunnel/mux_tunnel.ts";
import { DISPLACED } from "../../client/tunnel/return_pace.ts";
import type { StreamKind, Tunnel } from "../../client/tunnel/tunnel.ts";
import type { Peer, PeerFront } from "../access/peer.ts";
import type { TunnelPipe } from "../../client/tunnel/tunnel_pipe.ts";

/** Agents that come back are spread over so much time that no more than this many come in a second. */
const RETURNS_PER_SECOND = 500;
const SPREAD_MS_MIN = 1_000;

/** Who has opened a tunnel. */
export interface TunnelGuest {
  node: string;
  /** Of its agent, e.g. `coracle-agent/0.1.0`. */
  userAgent: string;
  /** From where the tunnel came: behind a NAT, the NAT's. */
  remoteAddress: string;
  /** How long the agent may be silent. */
  deadMs: number;
  /** Whether the credential that opened the tunnel is still valid. */
  isCurrent: () => boolean;
  /** The connection that carries the tunnel. */
  peer: Pick<Peer, "address" | "port" | "certificate"> & Partial<Pick<PeerFront, "serve">>;
}

/** The tunnel of a node, as the server has it. */
export interface NodeTunnel extends Tunnel, Pick<TunnelGuest, "node" | "userAgent"> {
  readonly remoteAddress: string;
  /** Since when, by the machine's clock. */
  readonly sinceMs: number;
  /** When something came last, by the machine's clock. */
  readonly heardMs: number;
}

export interface TunnelsOptions {
  clock: Clock;
  log: Log;
  /** What the server answers. */
  kindsFor: (guest: TunnelGuest) => readonly StreamKind[];
  /** How many agents there are, connected or not. */
  agents: () => number;
}

/**
 * The tunnels of all nodes. A newer one of a node takes the place of the older, which may be dead without anybody having
 * noticed. One whose credential is no longer valid ends with its next sign of life, or at once when that is told.
 */
export class Tunnels {
  readonly #options: TunnelsOptions;
  readonly #open = new Map<string, OpenTunnel>();
  readonly #listeners = new Set<(node: string) => void>();
  readonly #beats = new Set<(node: string) => void>();
  #isStopping = false;

  constructor(options: TunnelsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#open.size;
  }

  get(node: string): NodeTunnel | undefined {
    return this.#open.get(node);
  }

  all(): Iterable<NodeTunnel> {
    return this.#open.values();
  }

  /** Calls `listener` when the tunnel of a node has come, gone or been replaced. Returns the stop. */
  onChange(listener: (node: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls `listener` with each ping of a node: it lives. Returns the stop. */
  onBeat(listener: (node: string) => void): () => void {
    this.#beats.add(listener);
    return () => this.#beats.delete(listener);
  }

  /** Over how much time agents should spread their return. */
  get spreadMs(): number {
    const agents = Math.max(this.#open.size, this.#options.agents());
    return Math.max(SPREAD_MS_MIN, agents / RETURNS_PER_SECOND * 1000);
  }

  /** Takes the tunnel of a node. Resolves with the reason when it has ended. */
  async take(guest: TunnelGuest, pipe: TunnelPipe): Promise<string> {
    const { clock, log, kindsFor } = this.#options;
    const { node } = guest;
    const tunnel = new OpenTunnel(guest, {
      pipe,
      clock,
      kinds: kindsFor(guest),
      onPing: () => this.#beat(node, tunnel),
    });
    if (this.#isStopping) tunnel.close(this.#stopReason());
    else {
      const older = this.#open.get(node);
      this.#open.set(node, tunnel);
      older?.close(DISPLACED);
      log.debug("A node has connected", { node, address: guest.remoteAddress });
      this.#tell(node);
      this.#beat(node, tunnel);
    }
    const reason = await tunnel.ended;
    log.debug("The connection of a node has ended", { node, reason });
    if (this.#open.get(node) === tunnel) {
      this.#open.delete(node);
      this.#tell(node);
    }
    return reason;
  }

  /** To be called when credentials were revoked. */
  endRevoked(): void {
    for (const tunnel of [...this.#open.values()]) endIfRevoked(tunnel);
  }

  /** Ends all tunnels and refuses new ones. */
  stop(): void {
    this.#isStopping = true;
    const reason = this.#stopReason();
    for (const tunnel of [...this.#open.values()]) tunnel.close(reason);
  }

  #stopReason(): string {
    return `the server stops; retry within ${Math.ceil(this.spreadMs / 1000)} s`;
  }

  #beat(node: string, tunnel: OpenTunnel): void {
    tunnel.beat();
    if (!endIfRevoked(tunnel)) { for (const listener of this.#beats) listener(node); }
  }

  #tell(node: string): void {
    for (const listener of [...this.#listeners]) listener(node);
  }
}

function endIfRevoked(tunnel: OpenTunnel): boolean {
  if (tunnel.isCurrent()) return false;
  tunnel.close("the credential that opened it is no longer valid");
  return true;
}

class OpenTunnel extends MuxTunnel implements NodeTunnel {
  readonly node: string;
  readonly userAgent: string;
  readonly remoteAddress: string;
  readonly sinceMs: number;
  readonly isCurrent: () => boolean;
  readonly #clock: Clock;
  heardMs: number;

  constructor(
    { node, userAgent, remoteAddress, deadMs, isCurrent }: TunnelGuest,
    { pipe, clock, kinds, onPing }: {
      pipe: TunnelPipe;
      clock: Clock;
      kinds: readonly StreamKind[];
      onPing: () => void;
    },
  ) {
    super({ side: "server", pipe, clock, kinds, deadMs, onPing });
    this.node = node;
    this.userAgent = userAgent;
    this.remoteAddress = remoteAddress;
    this.isCurrent = isCurrent;
    this.#clock = clock;
    this.heardMs = this.sinceMs = clock.now();
  }

  beat(): void {
    this.heardMs = this.#clock.now();
  }
}
