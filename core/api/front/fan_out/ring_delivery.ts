import { type Pointer, pointerTo } from "../../../lib/linux/memory.ts";
import { RingReader } from "./fan_out_ring.ts";
import { type Loan, loanOf } from "./loans.ts";

/** A connection of the TLS thread to which the main thread writes by the ring. */
export interface Receiver {
  /** See `FanOut.enter`. */
  enterRing(serverBytes: number): void;
  /** Sends the bytes of a broadcast. `copy`: returns a copy to keep. */
  deliver(from: Pointer, bytes: number, copy: () => Uint8Array<ArrayBuffer>): void;
  /** Sends the bytes of a loan. */
  borrow(loan: Loan): void;
}

export interface RingDeliveryOptions {
  memory: SharedArrayBuffer;
  /** There is room again, which the writer waits for. */
  onRoom: () => void;
  /** There is no more use for the bytes of these loans. */
  onReturned: (loans: readonly number[]) => void;
  /** Calls `act` with an open connection. Returns false when it is closed. */
  withReceiver: (connection: number, act: (receiver: Receiver) => void) => boolean;
}

/** The TLS thread's end of the ring: passes on what it reads, and gives back what was lent. */
export class RingDelivery {
  readonly #options: RingDeliveryOptions;
  readonly #ring: RingReader;
  #returned: number[] = [];

  constructor(options: RingDeliveryOptions) {
    this.#options = options;
    this.#ring = new RingReader(options.memory);
  }

  get hasMore(): boolean {
    return this.#ring.hasMore;
  }

  /** See `RingReader`. */
  mayFallAsleep(): boolean {
    return this.#ring.mayFallAsleep();
  }

  wokeUp(): void {
    this.#ring.wokeUp();
  }

  read(deliveriesMax?: number): void {
    if (!this.#ring.hasMore) return;
    const isWaitedFor = this.#ring.readAll(({ connections, start, length }) => {
      if (length > 0) return this.#deliver(connections, start, length);
      const loan = loanOf(connections);
      if (loan) this.#borrow(connections[0]!, loan);
      else this.#enter(connections);
    }, deliveriesMax);
    if (isWaitedFor) this.#options.onRoom();
  }

  /** There is no more use for the bytes of a loan. */
  returned(loan: number): void {
    this.#returned.push(loan);
  }

  /** Tells the main thread. */
  giveBack(): void {
    if (this.#returned.length === 0) return;
    this.#options.onReturned(this.#returned);
    this.#returned = [];
  }

  #deliver(connections: Uint32Array, start: number, length: number): void {
    const { bytes } = this.#ring;
    const from = pointerTo(bytes, start);
    let kept: Uint8Array<ArrayBuffer> | undefined;
    const copy = () => kept ??= new Uint8Array(bytes.subarray(start, start + length));
    for (const connection of connections) {
      this.#options.withReceiver(connection, (receiver) => receiver.deliver(from, length, copy));
    }
  }

  /** Encoded as: the connection, then how many bytes of the server come before the broadcasts. */
  #enter([connection, serverBytes]: Uint32Array): void {
    this.#options.withReceiver(connection!, (receiver) => receiver.enterRing(serverBytes!));
  }

  #borrow(connection: number, loan: Loan): void {
    const borrow = (receiver: Receiver) => receiver.borrow(loan);
    if (!this.#options.withReceiver(connection, borrow)) this.returned(loan.id);
  }
}
