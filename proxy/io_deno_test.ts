import assert from "node:assert/strict";
import { settled, VirtualClock } from "../core/lib/virtual_clock.ts";
import { ConnectionGate, CONNECTIONS_MAX } from "./io_deno.ts";

Deno.test("a listener that is closed while all places are taken is done with at once", async () => {
  const gate = new ConnectionGate(new VirtualClock());
  const full = new Arrivals(CONNECTIONS_MAX + 1);
  const accepting = gate.accept(full.listener, () => {});
  await settled();
  assert.equal(gate.open, CONNECTIONS_MAX);
  gate.close(full.listener);
  await accepting;
});

Deno.test("a place that becomes free is for whoever has a client, not for who waited longest", async () => {
  const gate = new ConnectionGate(new VirtualClock());
  const [busy, quiet] = [new Arrivals(CONNECTIONS_MAX), new Arrivals(0)];
  const leaves: (() => void)[] = [];
  for (const { listener } of [busy, quiet]) {
    void gate.accept(listener, (_connection, onClosed) => leaves.push(onClosed));
  }
  await settled();
  quiet.come(); // it had begun to wait for a client while there was room
  await settled();
  assert.equal(gate.open, CONNECTIONS_MAX + 1);
  busy.come();
  for (const leave of leaves.splice(0, 2)) {
    leave();
    await settled();
  }
  assert.equal(gate.open, CONNECTIONS_MAX);
});

/** A listener at which `count` clients wait. */
class Arrivals {
  readonly listener: Deno.TcpListener;
  #count: number;
  #accepting: PromiseWithResolvers<Deno.TcpConn> | undefined;

  constructor(count: number) {
    this.#count = count;
    const closed = new Deno.errors.BadResource();
    let isClosed = false;
    const accept = () => {
      if (isClosed) return Promise.reject(closed);
      this.#accepting = Promise.withResolvers();
      const { promise } = this.#accepting;
      this.#give();
      return promise;
    };
    const close = () => {
      isClosed = true;
      this.#accepting?.reject(closed);
    };
    this.listener = { accept, close } as unknown as Deno.TcpListener; // what the gate uses of one
  }

  come(): void {
    this.#count++;
    this.#give();
  }

  #give(): void {
    if (this.#accepting === undefined || this.#count === 0) return;
    this.#count--;
    this.#accepting.resolve({} as Deno.TcpConn); // nobody looks into it
    this.#accepting = undefined;
  }
}
