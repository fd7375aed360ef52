import assert from "node:assert/strict";
import { silentLog } from "../lib/log.ts";
import { Random } from "../lib/random.ts";
import { VirtualClock } from "../lib/virtual_clock.ts";
import { configMaps } from "../resources/config_maps.ts";
import { ListWatch } from "./list_watch.ts";
import { MirroredKind } from "./mirrored_kind.ts";
import { ServerLink } from "./server_link.ts";

const EMPTY = JSON.stringify({ metadata: { resourceVersion: "1" }, items: [] });

Deno.test("a watch that is given up is opened anew at once, however often the server could not be reached before", async () => {
  const clock = new VirtualClock();
  const log = silentLog(clock);
  const stop = new AbortController();
  let isAway = true;
  let watches = 0;
  const transport = ({ path }: { path: string }) => {
    if (isAway) return Promise.reject(new TypeError("connection refused"));
    if (!path.includes("watch=true")) return Promise.resolve(new Response(EMPTY));
    watches++;
    return Promise.resolve(new Response(new ReadableStream()));
  };
  const link = new ServerLink({ transport, clock, log, server: "server" });
  const running = new ListWatch({
    ...{ link, clock, log, random: new Random(1), source: { resource: configMaps } },
    kind: new MirroredKind(configMaps as never),
    onListed: () => {},
  }).run(stop.signal);
  await clock.advance(300_000);
  isAway = false;
  for (let waits = 0; watches === 0 && waits < 100; waits++) await clock.advance(500);
  assert.equal(watches, 1);
  link.suspect();
  await clock.advance(1_000);
  assert.equal(watches, 2);
  stop.abort();
  await running;
});
