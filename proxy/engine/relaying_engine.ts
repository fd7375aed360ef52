import type { Clock } from "../../core/lib/clock.ts";
import type { Endpoint } from "../../core/traffic/backends.ts";
import {
  CONNECTED,
  FAILURES,
  greeting,
  LENGTH_BYTES,
  RELAY_HOST,
  type RelayAddress,
  targetOf,
} from "../../core/traffic/far/relaying.ts";
import type {
  Accept,
  ConnectFailure,
  Engine,
  ListenAddress,
  OpenDatagrams,
  OpenListener,
  PeerAddress,
  Socket,
  UpstreamOwner,
} from "./engine.ts";

/** An engine that connects to endpoints behind tunnels through a relay of its process. */
export class RelayingEngine implements Engine {
  readonly clock: Clock;
  readonly bind?: NonNullable<Engine["bind"]>;
  readonly #engine: Engine;
  readonly #relay: RelayAddress;

  constructor(engine: Engine, relay: RelayAddress) {
    this.clock = engine.clock;
    this.#engine = engine;
    this.#relay = relay;
    if (engine.bind) this.bind = (...args): OpenDatagrams => engine.bind!(...args);
  }

  listen(at: ListenAddress, accept: Accept): OpenListener {
    return this.#engine.listen(at, accept);
  }

  connect(to: PeerAddress & Partial<Endpoint>, owner: UpstreamOwner): Socket {
    const { far, address, port, podUid = "" } = to;
    const target = far && targetOf({ far, address, port, podUid });
    if (target === undefined) return this.#engine.connect(to, owner);
    const { secret, port: relayPort } = this.#relay;
    const relayed = new RelayedOwner(owner);
    const relay = { address: RELAY_HOST, port: relayPort };
    const socket = relayed.socket = this.#engine.connect(relay, relayed);
    const first = greeting(secret, target);
    socket.send(first, 0, first.length);
    return socket;
  }
}

/**
 * Stands between a relay and the owner of a connection. What the owner sends goes out before it is known whether anybody
 * was reached: if nobody was, nobody got it.
 */
class RelayedOwner implements UpstreamOwner {
  socket!: Socket;
  #state: "asking" | "open" | "ended" | "over" = "asking";
  /** Of the frame that is being read. */
  #left = 0;
  /** Bytes of a frame's length, when it came in parts. */
  #length = 0;
  #lengthBytes = 0;
  readonly #owner: UpstreamOwner;

  constructor(owner: UpstreamOwner) {
    this.#owner = owner;
  }

  onConnected(): void {}

  onConnectFailed(): void {
    this.#fail("unreachable");
  }

  onData(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    if (this.#state === "asking") {
      const status = bytes[at++]!;
      if (status !== CONNECTED) return this.#fail(FAILURES[status - 1] ?? "unreachable");
      this.#state = "open";
      this.#owner.onConnected();
    }
    const length = this.#takeFrames(bytes, at, end);
    if (length > 0) this.#owner.onData(bytes, at, at + length);
    if (this.#state === "ended") this.#owner.onClose("ended");
  }

  /** Moves what the frames carry together, to where they began: one write for all of it. Returns how much it is. */
  #takeFrames(bytes: Uint8Array, start: number, end: number): number {
    let to = start;
    for (let at = start; at < end && this.#state === "open";) {
      if (this.#left === 0) {
        this.#length = this.#length << 8 | bytes[at++]!;
        if (++this.#lengthBytes < LENGTH_BYTES) continue;
        if (this.#length === 0) this.#state = "ended";
        this.#left = this.#length;
        this.#length = this.#lengthBytes = 0;
        continue;
      }
      const count = Math.min(this.#left, end - at);
      bytes.copyWithin(to, at, at + count);
      to += count;
      at += count;
      this.#left -= count;
    }
    return to - start;
  }

  onClose(how: "ended" | "broken"): void {
    if (this.#state === "asking") return this.#fail("unreachable");
    if (this.#state === "over" || (this.#state === "ended" && how === "ended")) return;
    this.#state = "over";
    this.#owner.onClose("broken");
  }

  onDrain(): void {
    this.#owner.onDrain();
  }

  onSent(): void {
    if (this.#state !== "over") this.#owner.onSent();
  }

  peer(): Socket | undefined {
    return this.#owner.peer();
  }

  #fail(failure: ConnectFailure): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.socket.close();
    this.#owner.onConnectFailed(failure);
  }
}
