import assert from "node:assert/strict";
import { silentLog } from "../lib/log.ts";
import { VirtualClock } from "../lib/virtual_clock.ts";
import { ServerLink } from "./server_link.ts";

Deno.test("listeners are called when the server answers again, and when somebody suspects it", async () => {
  const clock = new VirtualClock();
  let isUp = true;
  const link = new ServerLink({
    transport: () => isUp ? Promise.resolve(new Response("{}")) : Promise.reject(new Error("down")),
    ...{ clock, log: silentLog(clock), server: "https://192.0.2.1" },
  });
  let told = 0;
  const stop = link.onRestored(() => told++);
  const ask = () => link.ask({ method: "GET", path: "/version" });
  await ask();
  assert.equal(told, 0);
  isUp = false;
  await assert.rejects(ask());
  isUp = true;
  await ask();
  assert.equal(told, 1);
  link.suspect();
  assert.equal(told, 2);
  stop();
  link.suspect();
  assert.equal(told, 2);
  assert.equal(clock.pending, 0);
});
