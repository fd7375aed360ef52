import assert from "node:assert/strict";
import { VirtualClock } from "../../core/lib/virtual_clock.ts";
import { Deadlines } from "../connections/deadlines.ts";
import { HALF_CLOSED_IDLE_MS, TCP_IDLE_MS, TcpConnection } from "./tcp_connection.ts";

const CHECK_MS = 10_000;

function opened() {
  const clock = new VirtualClock(0);
  const closed: string[] = [];
  const end = (name: string) => ({ close: () => closed.push(name) });
  const connection = new TcpConnection(
    end("client"),
    new Deadlines(clock),
    () => closed.push("told"),
  );
  return { clock, closed, end, connection };
}

Deno.test("a connection that stands still is idle after two looks, until something passes", async () => {
  const { clock, connection } = opened();
  await clock.advance(CHECK_MS + 100);
  assert.equal(connection.idleSinceMs, undefined);
  await clock.advance(CHECK_MS + 100);
  assert.ok(connection.idleSinceMs! >= CHECK_MS);
  connection.hasTraffic = true;
  await clock.advance(CHECK_MS + 100);
  assert.equal(connection.idleSinceMs, undefined);
  connection.close();
});

Deno.test("no connection stands still for ever, half-closed ones an hour at most", async () => {
  for (const isHalfClosed of [false, true]) {
    const { clock, closed, end, connection } = opened();
    connection.join(end("endpoint"));
    connection.isHalfClosed = isHalfClosed;
    const maxMs = isHalfClosed ? HALF_CLOSED_IDLE_MS : TCP_IDLE_MS;
    connection.idleSinceMs = clock.elapsed();
    connection.hasTraffic = false;
    connection.deadlineMs = maxMs - CHECK_MS; // else it is looked at 43,000 times
    await clock.advance(maxMs - 2 * CHECK_MS);
    assert.deepEqual(closed, []);
    await clock.advance(3 * CHECK_MS);
    assert.deepEqual(closed, ["client", "endpoint", "told"]);
    assert.equal(clock.pending, 0);
  }
});

Deno.test("an end that comes when it is closed is closed too, and nobody is told twice", () => {
  const { clock, closed, end, connection } = opened();
  connection.close();
  connection.close();
  connection.join(end("endpoint"));
  assert.deepEqual(closed, ["client", "told", "endpoint"]);
  assert.equal(clock.pending, 0);
});
