import { messageOf } from "../../lib/error_message.ts";
import { Alarm, EPOLL, Epoll } from "../../lib/linux/epoll.ts";
import type { Openssl } from "../../lib/linux/openssl.ts";
import { ERRNO, type SocketAddress, type Sockets } from "../../lib/linux/sockets.ts";
import { TlsContext } from "../../lib/linux/tls_context.ts";
import { RingDelivery } from "./fan_out/ring_delivery.ts";
import { HANDSHAKES_MAX, HANDSHAKES_PER_ADDRESS_MAX, STALL_MS } from "./limits.ts";
import { patienceMs, unauthenticatedToEvict } from "./places.ts";
import { Relay } from "./relay.ts";
import { End, type RelayLoop, relayMemory } from "./relay_loop.ts";
import { TrunkEnd } from "./trunk_end.ts";
import { TrunkRelay } from "./trunk_relay.ts";
import {
  type FromThread,
  ORDER,
  Orders,
  type StartThread,
  type TlsFiles,
} from "./thread_messages.ts";

const ACCEPTS_PER_TURN = 32;
/** One takes half a millisecond, during which no other connection is served. */
const HANDSHAKES_PER_TURN = 8;
const HANDSHAKE_LIMITS = {
  unauthenticatedMax: HANDSHAKES_MAX,
  unauthenticatedPerAddressMax: HANDSHAKES_PER_ADDRESS_MAX,
  authenticatedMax: 0,
  authenticatedPerUserMax: 0,
};
/**
 * Handshakes that wait for this thread. Beyond that, newcomers wait in the kernel's queue: to take them in and close the
 * oldest for each would let nobody finish while more come than can be served.
 */
const TURNS_MAX = 32;
/** Deliveries of broadcasts to connections. One takes ten microseconds. */
const DELIVERIES_PER_TURN = 1_000;
/** How long a peer that has received everything may take to close. */
const LINGER_MS = 5_000;
const LINGER_AT_STOP_MS = 250;
/** How long nothing is accepted after the process ran out of descriptors. */
const ACCEPT_PAUSE_MS = 100;
/** How often deadlines are checked. */
const CHECK_EVERY_MS = 50;
const BLOCKED_CHECK_MS = 5_000;
const PROTOCOLS = ["http/1.1"];
const SESSION_CONTEXT = "coracle-api";

export interface RelaysOptions {
  sockets: Sockets;
  openssl: Openssl;
  start: Omit<StartThread, "type">;
  now: () => number;
  post: (message: FromThread) => void;
}

type AnyRelay = Relay | TrunkRelay;

/** The event loop of the TLS thread: all of its connections, from accept to close. */
export class Relays implements RelayLoop<AnyRelay> {
  readonly sockets: Sockets;
  readonly openssl: Openssl;
  readonly epoll: Epoll<object>;
  readonly plain;
  readonly sealed;
  readonly pieces;
  readonly now: () => number;
  readonly #options: RelaysOptions;
  readonly #alarm: Alarm;
  readonly #orders: Orders;
  readonly #listener = {};
  readonly #all = new Set<AnyRelay>();
  readonly #handshakes = new Set<Relay>();
  readonly #lingering = new Set<AnyRelay>();
  readonly #blocked = new Set<AnyRelay>();
  readonly #open = new Map<number, Relay>();
  readonly #ring: RingDelivery;
  /** Absent: no connection becomes a tunnel. */
  readonly #trunk: TrunkEnd | undefined;
  #lastId = 0;
  #again: AnyRelay[] = [];
  #turns: Relay[] = [];
  #context: TlsContext;
  #acceptAtMs: number | undefined;
  #awaitsRoom = false;
  #nextCheckMs = 0;
  #isStopping = false;

  constructor(options: RelaysOptions) {
    const { sockets, openssl, now, start } = options;
    this.#options = options;
    this.sockets = sockets;
    this.openssl = openssl;
    this.now = now;
    ({ plain: this.plain, sealed: this.sealed, pieces: this.pieces } = relayMemory());
    this.epoll = new Epoll(sockets);
    this.#alarm = new Alarm(sockets, start.alarm);
    this.#orders = new Orders(start.orders);
    this.#ring = new RingDelivery({
      memory: start.ring,
      onRoom: () => options.post({ type: "room" }),
      onReturned: (loans) => options.post({ type: "returned", loans }),
      withReceiver: (connection, act) => this.#withReceiver(connection, act),
    });
    this.#context = this.#contextOf(start.tls);
    this.epoll.add(start.listener, this.#listener, EPOLL.in);
    this.epoll.add(start.alarm, this.#alarm, EPOLL.in);
    if (start.trunk === undefined) return;
    this.#trunk = new TrunkEnd(sockets, start.trunk, { adopt: (id) => this.#adopt(id) });
    this.epoll.add(start.trunk, this.#trunk, EPOLL.in | EPOLL.out | EPOLL.edge);
  }

  /** Runs until it is stopped and the last connection has ended. */
  run(): void {
    while (!this.#isStopping || this.#all.size > 0) {
      const timeoutMs = this.#timeoutMs();
      this.epoll.wait(
        this.#ring.mayFallAsleep() ? timeoutMs : 0,
        (owner, mask) => this.#happened(owner, mask),
      );
      this.#ring.wokeUp();
      this.readBroadcasts(DELIVERIES_PER_TURN);
      this.#takeTurns();
      this.#trunk?.turn();
      this.#closeOverdue();
      this.#ring.giveBack();
    }
  }

  /** Closes all descriptors of the thread: they would outlive it, and the peers would wait forever. */
  close(): void {
    for (const relay of this.#all) relay.close();
    if (this.#trunk) this.sockets.close(this.#trunk.descriptor);
    this.epoll.close();
    this.#context.close();
  }

  opened(relay: Relay, descriptor: number, certificate: Uint8Array<ArrayBuffer> | undefined): void {
    this.#leaveHandshakes(relay);
    const { id, address, port } = relay;
    this.#open.set(id, relay);
    this.#options.post({
      ...{ type: "connection", id, descriptor, address, port },
      ...(certificate && { certificate }),
    });
  }

  #adopt(id: number): TrunkRelay | undefined {
    const detached = this.#open.get(id)?.detach();
    if (!detached) return undefined;
    const relay = new TrunkRelay(this, this.#trunk!, detached);
    this.#all.add(relay);
    return relay;
  }

  again(relay: AnyRelay): void {
    if (relay.isQueued) return;
    relay.isQueued = true;
    this.#again.push(relay);
  }

  get hasBroadcasts(): boolean {
    return this.#ring.hasMore;
  }

  readBroadcasts(deliveriesMax?: number): void {
    this.#ring.read(deliveriesMax);
  }

  returned(loan: number): void {
    this.#ring.returned(loan);
  }

  /** False when it was closed in the meantime. */
  #withReceiver(connection: number, act: (receiver: Relay) => void): boolean {
    const relay = this.#open.get(connection);
    if (relay !== undefined) this.#guarded(relay, () => act(relay));
    return relay !== undefined;
  }

  blocked(relay: AnyRelay): void {
    this.#blocked.add(relay);
  }

  unblocked(relay: AnyRelay): void {
    this.#blocked.delete(relay);
  }

  lingers(relay: AnyRelay): void {
    this.#lingering.add(relay);
  }

  closed(relay: AnyRelay): void {
    this.#all.delete(relay);
    this.#lingering.delete(relay);
    this.#blocked.delete(relay);
    if (relay instanceof TrunkRelay) return;
    this.#leaveHandshakes(relay);
    this.#open.delete(relay.id);
  }

  #leaveHandshakes(relay: Relay): void {
    if (!this.#handshakes.delete(relay) || !this.#awaitsRoom) return;
    this.#awaitsRoom = false;
    this.#acceptAtMs = this.#nextCheckMs = 0; // there is room now
  }

  #happened(owner: object, mask: number): void {
    if (owner instanceof End) {
      const relay = owner.relay as AnyRelay; // all ends here are of relays
      if (relay instanceof TrunkRelay || relay.state !== "handshake") {
        return this.#guarded(relay, () => relay.happened(owner, mask));
      }
      if ((mask & EPOLL.out) !== 0) this.#guarded(relay, () => relay.happened(owner, EPOLL.out));
      if ((mask & ~EPOLL.out) === 0) return;
      relay.notice(owner, mask);
      if (!relay.isQueued) this.#turns.push(relay);
      relay.isQueued = true;
    } else if (owner === this.#listener) this.#accept();
    else if (owner === this.#trunk) this.#trunk.happened(mask);
    else {
      this.#alarm.silence();
      this.#obey();
    }
  }

  /** Continues reads that were interrupted for fairness, and a few of the handshakes. */
  #takeTurns(): void {
    const again = this.#again;
    this.#again = [];
    const handshakes = this.#turns.splice(0, HANDSHAKES_PER_TURN);
    for (const relay of [...again, ...handshakes]) {
      relay.isQueued = false;
      this.#guarded(relay, () => relay.goOn());
    }
  }

  /** A bug costs one connection only. */
  #guarded(relay: AnyRelay, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#reportProblem(`a connection was closed because of an error: ${messageOf(error)}`);
      relay.close();
    }
  }

  #accept(): void {
    this.#obey(); // so that connections after an order are treated by it
    for (let count = 0; count < ACCEPTS_PER_TURN && !this.#isStopping; count++) {
      if (this.#turns.length >= TURNS_MAX) return; // the kernel tells of them again
      const { handshakeMs } = this.#options.start;
      const patientMs = patienceMs(this.#handshakes, { nowMs: this.now(), handshakeMs });
      if (patientMs > 0) {
        this.#awaitsRoom = true;
        return this.#pauseAccepting(patientMs);
      }
      const accepted = this.sockets.accept(this.#options.start.listener);
      if ("errno" in accepted) return this.#refused(accepted.errno);
      const { descriptor, peer } = accepted;
      if (!this.#makeRoomFor(peer.host)) {
        this.sockets.close(descriptor);
        continue;
      }
      this.#begin(descriptor, peer);
    }
  }

  #begin(descriptor: number, { host, port }: SocketAddress): void {
    try {
      const relay = new Relay(this, this.#context, descriptor, this.#nextId(), host, port);
      this.#all.add(relay);
      this.#handshakes.add(relay);
    } catch (error) {
      this.sockets.close(descriptor);
      this.#reportProblem(`a connection was closed because of an error: ${messageOf(error)}`);
    }
  }

  #nextId(): number {
    return this.#lastId = (this.#lastId + 1) >>> 0;
  }

  /** Evicts a lingering connection first, then the oldest handshake. */
  #makeRoomFor(address: string): boolean {
    const oldest = unauthenticatedToEvict(this.#handshakes, address, HANDSHAKE_LIMITS);
    oldest?.close();
    if (this.#all.size < this.#options.start.relaysMax) return true;
    const [lingering] = this.#lingering;
    const [handshake] = this.#handshakes;
    const first = lingering ?? handshake;
    first?.close();
    return first !== undefined;
  }

  /** The listener would wake the thread again and again. */
  #pauseAccepting(ms: number): void {
    if (this.#acceptAtMs !== undefined) return;
    this.epoll.remove(this.#options.start.listener);
    this.#acceptAtMs = this.now() + ms;
  }

  /** Out of descriptors. */
  #refused(errno: number): void {
    if (!OUT_OF_ROOM.includes(errno) || this.#acceptAtMs !== undefined) return;
    this.#pauseAccepting(ACCEPT_PAUSE_MS);
    this.#reportProblem("no connection can be accepted: too many files are open in this process");
  }

  #obey(): void {
    const orders = this.#orders.take();
    if (orders === 0) return;
    if ((orders & ~(ORDER.stop | ORDER.cut | ORDER.certificate)) !== 0) {
      throw new Error(`unknown order ${orders}`);
    }
    if ((orders & ORDER.certificate) !== 0) this.#useCertificate();
    if ((orders & ORDER.stop) !== 0) this.#stop();
    if ((orders & ORDER.cut) !== 0) { for (const relay of this.#all) relay.close(); }
  }

  #stop(): void {
    this.#isStopping = true;
    this.epoll.remove(this.#options.start.listener);
    for (const relay of this.#handshakes) relay.close();
  }

  #useCertificate(): void {
    try {
      const context = this.#contextOf(this.#orders.files);
      this.#context.close();
      this.#context = context;
      this.#options.post({ type: "certificate" });
    } catch (error) {
      this.#options.post({ type: "certificate", refused: messageOf(error) });
    }
  }

  #contextOf({ certificate, key, authority }: TlsFiles): TlsContext {
    return new TlsContext(this.openssl, {
      ...{ certificate, key, clientAuthorities: authority },
      ...{ protocols: PROTOCOLS, sessionContext: SESSION_CONTEXT },
    });
  }

  /** Until the next deadline; -1 (forever) when there is none, so that an idle server sleeps. */
  #timeoutMs(): number {
    if (this.#again.length > 0 || this.#turns.length > 0 || this.#trunk?.isReadable) return 0;
    const [handshake] = this.#handshakes;
    const [lingering] = this.#lingering;
    const [blocked] = this.#blocked;
    const dueMs = Math.min(
      blocked ? this.now() + BLOCKED_CHECK_MS : Infinity,
      this.#acceptAtMs ?? Infinity,
      handshake ? handshake.phaseSinceMs + this.#options.start.handshakeMs : Infinity,
      lingering ? lingering.phaseSinceMs + this.#lingerMs : Infinity,
    );
    if (dueMs === Infinity) return -1;
    return Math.max(1, Math.ceil(Math.max(dueMs, this.#nextCheckMs) - this.now()) + 1);
  }

  #closeOverdue(): void {
    const nowMs = this.now();
    if (nowMs < this.#nextCheckMs) return;
    this.#nextCheckMs = nowMs + CHECK_EVERY_MS;
    const { handshakeMs, listener } = this.#options.start;
    for (const relay of this.#handshakes) { // the oldest comes first
      if (nowMs - relay.phaseSinceMs <= handshakeMs) break;
      relay.close();
    }
    for (const relay of this.#lingering) {
      if (nowMs - relay.phaseSinceMs > this.#lingerMs) relay.close();
    }
    for (const relay of this.#blocked) {
      if (nowMs - relay.blockedSinceMs > STALL_MS) relay.close();
    }
    if (this.#acceptAtMs === undefined || nowMs < this.#acceptAtMs) return;
    this.#acceptAtMs = undefined;
    if (!this.#isStopping) this.epoll.add(listener, this.#listener, EPOLL.in);
  }

  get #lingerMs(): number {
    return this.#isStopping ? LINGER_AT_STOP_MS : LINGER_MS;
  }

  #reportProblem(what: string): void {
    this.#options.post({ type: "problem", what });
  }
}

const OUT_OF_ROOM: readonly number[] = [ERRNO.EMFILE, ERRNO.ENFILE, ERRNO.ENOBUFS, ERRNO.ENOMEM];
