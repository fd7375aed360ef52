import type { LiveBackend } from "../backends/backends.ts";
import type { LiveEndpoint } from "../backends/live_endpoint.ts";
import { type Deadline, type Deadlines } from "../connections/deadlines.ts";
import type { Engine, OpenDatagrams, PeerAddress } from "../engine/engine.ts";

/** A flow without an answer, and one that was answered, may be silent for so long: as the kernel's `nf_conntrack_udp_timeout`. */
export const UNANSWERED_MS = 30_000;
export const ANSWERED_MS = 120_000;
/** Flows at one listener, and of them those of one client; a new one takes the place of the one that was silent longest. */
export const FLOWS_MAX = 4_096;
export const CLIENT_FLOWS_MAX = 1_024;

export interface UdpForwardOptions {
  at: PeerAddress;
  /** The backend for a client, by its address, as it is when it is asked for; `undefined`: it may not be here. */
  backendFor: (client: string) => LiveBackend | undefined;
  engine: Pick<Engine, "clock"> & Required<Pick<Engine, "bind">>;
  deadlines: Deadlines;
}

/**
 * Passes datagrams on to endpoints, and their answers back. All that comes from one port of a client within some time is one
 * flow, and goes to one endpoint as long as that is there; a flow of an endpoint that has gone gets another one at once. Each
 * flow has a port of its own towards its endpoint, so that answers find their client.
 */
export class UdpForward {
  readonly #options: UdpForwardOptions;
  readonly #socket: OpenDatagrams;
  /** By the client's address, then by its port; those used last come last. */
  readonly #clients = new Map<string, Map<number, Flow>>();
  #count = 0;

  /** Throws when the port cannot be opened. */
  constructor(options: UdpForwardOptions) {
    this.#options = options;
    this.#socket = options.engine.bind(
      options.at,
      (bytes, from) => this.#onDatagram(bytes, from),
    );
  }

  get port(): number {
    return this.#socket.port;
  }

  get flows(): number {
    return this.#count;
  }

  /** Resolves when the port is free. */
  async close(): Promise<void> {
    for (const flows of [...this.#clients.values()]) {
      for (const flow of [...flows.values()]) flow.close();
    }
    await this.#socket.close();
  }

  #onDatagram(bytes: Uint8Array, from: PeerAddress): void {
    const known = this.#clients.get(from.address)?.get(from.port);
    if (known !== undefined && known.endpoint.state === "active") return known.send(bytes);
    known?.close();
    this.#flowOf(from)?.send(bytes);
  }

  #flowOf(from: PeerAddress): Flow | undefined {
    const { backendFor, engine, deadlines } = this.#options;
    const backend = backendFor(from.address);
    const endpoint = backend?.claimFor(from.address, engine.clock.elapsed());
    if (backend === undefined) return undefined;
    backend.counts.requests++;
    if (endpoint === undefined) {
      backend.counts.failures++;
      return undefined;
    }
    endpoint.release(); // a flow has no end that one could wait for
    this.#makeRoom(from.address);
    const flow: Flow = new Flow({
      endpoint,
      deadlines,
      answer: (bytes) => this.#socket.send(bytes, from),
      onClosed: () => this.#forget(from, flow),
    });
    try {
      flow.open((onAnswer) => engine.bind(anyPortTowards(endpoint.endpoint), onAnswer));
    } catch {
      backend.counts.failures++; // too many files are open: the datagram is lost
      return undefined;
    }
    const flows = this.#clients.get(from.address) ?? new Map<number, Flow>();
    flows.set(from.port, flow);
    this.#clients.set(from.address, flows);
    this.#count++;
    return flow;
  }

  #makeRoom(client: string): void {
    const own = this.#clients.get(client);
    if (own !== undefined && own.size >= CLIENT_FLOWS_MAX) return oldestIn(own)?.close();
    if (this.#count < FLOWS_MAX) return;
    const most = [...this.#clients.values()].reduce((a, b) => b.size > a.size ? b : a);
    oldestIn(most)?.close();
  }

  #forget({ address, port }: PeerAddress, flow: Flow): void {
    const flows = this.#clients.get(address);
    if (flows?.get(port) !== flow) return;
    flows.delete(port);
    this.#count--;
    if (flows.size === 0) this.#clients.delete(address);
  }
}

function anyPortTowards({ address }: PeerAddress): PeerAddress {
  return { address: address.includes(":") ? "::" : "0.0.0.0", port: 0 };
}

function oldestIn(flows: ReadonlyMap<number, Flow>): Flow | undefined {
  let oldest: Flow | undefined;
  for (const flow of flows.values()) {
    if (oldest === undefined || flow.usedMs < oldest.usedMs) oldest = flow;
  }
  return oldest;
}

interface FlowOptions {
  endpoint: LiveEndpoint;
  deadlines: Deadlines;
  answer(bytes: Uint8Array): void;
  onClosed(): void;
}

/** What one port of a client and one endpoint send each other. */
class Flow implements Deadline {
  deadlineMs: number;
  usedMs: number;
  readonly endpoint: LiveEndpoint;
  readonly #options: FlowOptions;
  #socket: OpenDatagrams | undefined;
  #isAnswered = false;
  #isClosed = false;

  constructor(options: FlowOptions) {
    this.#options = options;
    this.endpoint = options.endpoint;
    this.usedMs = options.deadlines.now();
    this.deadlineMs = this.usedMs + UNANSWERED_MS;
  }

  /** Throws when there is no port left. */
  open(
    bind: (onAnswer: (bytes: Uint8Array, from: PeerAddress) => void) => OpenDatagrams,
  ): void {
    this.#socket = bind((bytes, from) => this.#onAnswer(bytes, from));
    this.#options.deadlines.add(this);
  }

  send(bytes: Uint8Array): void {
    this.usedMs = this.#options.deadlines.now();
    this.#socket?.send(bytes, this.endpoint.endpoint);
  }

  #onAnswer(bytes: Uint8Array, { address, port }: PeerAddress): void {
    const { endpoint } = this.endpoint;
    if (address !== endpoint.address || port !== endpoint.port) return; // a stranger
    this.#isAnswered = true;
    this.usedMs = this.#options.deadlines.now();
    this.#options.answer(bytes);
  }

  onDeadline(nowMs: number): void {
    const endMs = this.usedMs + (this.#isAnswered ? ANSWERED_MS : UNANSWERED_MS);
    if (nowMs >= endMs) this.close();
    else this.#options.deadlines.set(this, endMs);
  }

  /** Doing it twice is doing it once. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#options.deadlines.remove(this);
    void this.#socket?.close();
    this.#options.onClosed();
  }
}
