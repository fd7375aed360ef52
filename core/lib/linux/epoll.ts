import type { Sockets } from "./sockets.ts";

/** Events of a descriptor (epoll_ctl(2)). */
export const EPOLL = {
  in: 0x1,
  out: 0x4,
  error: 0x8,
  hangUp: 0x10,
  peerEnded: 0x2000,
  edge: 0x8000_0000,
} as const;

const EPOLL_CLOEXEC = 0x80000;
const CTL_ADD = 1;
const CTL_DELETE = 2;
const EVENTS_MAX = 256;
const WORD_BYTES = 4;
/** `struct epoll_event` is packed on x86-64 only: a mask of 4 bytes, then 8 of data: our descriptor and generation. */
const IS_PACKED = Deno.build.arch === "x86_64";
const EVENT_WORDS = IS_PACKED ? 3 : 4;
const DATA_WORD = IS_PACKED ? 1 : 2;

/**
 * Waits for many descriptors and maps each to its owner, so that an event for a descriptor that was closed in the same
 * turn and whose number is reused finds no owner.
 */
export class Epoll<T extends object> {
  readonly #sockets: Sockets;
  readonly #descriptor: number;
  readonly #events = new Uint32Array(EVENTS_MAX * EVENT_WORDS);
  readonly #eventsAt = Deno.UnsafePointer.of(this.#events);
  readonly #event = new Uint32Array(EVENT_WORDS);
  readonly #eventBytes = new Uint8Array(this.#event.buffer);
  readonly #owners: (T | undefined)[] = [];
  readonly #generations: number[] = [];
  #generation = 0;

  constructor(sockets: Sockets) {
    this.#sockets = sockets;
    this.#descriptor = sockets.must(
      sockets.calls.epoll_create1(EPOLL_CLOEXEC),
      "wait for sockets",
    );
  }

  /** `mask`: of {@linkcode EPOLL}. */
  add(descriptor: number, owner: T, mask: number): void {
    this.#generation = (this.#generation + 1) >>> 0;
    this.#owners[descriptor] = owner;
    this.#generations[descriptor] = this.#generation;
    this.#event[0] = mask;
    this.#event[DATA_WORD] = descriptor;
    this.#event[DATA_WORD + 1] = this.#generation;
    const { calls } = this.#sockets;
    const added = calls.epoll_ctl(this.#descriptor, CTL_ADD, descriptor, this.#eventBytes);
    this.#sockets.must(added, "wait for a socket");
  }

  /** Removes a descriptor that stays open. One about to be closed needs `forget` only. */
  remove(descriptor: number): void {
    this.#sockets.calls.epoll_ctl(this.#descriptor, CTL_DELETE, descriptor, this.#eventBytes);
    this.forget(descriptor);
  }

  /** To be called before a descriptor is closed: its pending events are dropped. */
  forget(descriptor: number): void {
    this.#owners[descriptor] = undefined;
  }

  /** Waits at most `timeoutMs` (negative: forever), then calls `act` for each descriptor with events. */
  wait(timeoutMs: number, act: (owner: T, mask: number) => void): void {
    const { calls } = this.#sockets;
    const count = calls.epoll_wait(this.#descriptor, this.#eventsAt, EVENTS_MAX, timeoutMs);
    for (let index = 0, at = 0; index < count; index++, at += EVENT_WORDS) {
      const descriptor = this.#events[at + DATA_WORD]!;
      const owner = this.#owners[descriptor];
      if (owner === undefined) continue;
      if (this.#generations[descriptor] !== this.#events[at + DATA_WORD + 1]) continue;
      act(owner, this.#events[at]!);
    }
  }

  close(): void {
    this.#sockets.close(this.#descriptor);
  }
}

const EVENTFD_FLAGS = 0x80000 | 0x800; // close-on-exec, non-blocking
const COUNT_BYTES = 2 * WORD_BYTES;

/** Wakes a thread that waits in {@linkcode Epoll.wait}, by an eventfd(2) whose descriptor both threads use. */
export class Alarm {
  readonly descriptor: number;
  readonly #sockets: Sockets;
  readonly #count = new Uint8Array(COUNT_BYTES);

  /** `descriptor`: of an alarm created by another thread. */
  constructor(sockets: Sockets, descriptor?: number) {
    this.#sockets = sockets;
    this.descriptor = descriptor ??
      sockets.must(sockets.calls.eventfd(0, EVENTFD_FLAGS), "open an eventfd");
  }

  ring(): void {
    new DataView(this.#count.buffer).setBigUint64(0, 1n, true);
    this.#sockets.calls.write(this.descriptor, this.#count, BigInt(COUNT_BYTES));
  }

  /** Resets it until the next ring. */
  silence(): void {
    this.#sockets.calls.read(this.descriptor, this.#count, BigInt(COUNT_BYTES));
  }

  close(): void {
    this.#sockets.close(this.descriptor);
  }
}
