import assert from "node:assert/strict";
import { VirtualClock } from "../../lib/virtual_clock.ts";
import { configMaps } from "../../resources/core/config_maps.ts";
import { freshApi } from "../api_fixture.ts";
import { ResponseStream } from "../http/byte_stream.ts";
import { ServedKind } from "../discovery/served_kinds.ts";
import { type Watcher, WatchFeed } from "./watch_feed.ts";
import { matchesAll, WatchLines } from "./watch_lines.ts";

function watcher(): Watcher & { text: () => Promise<string> } {
  const stream = new ResponseStream(1024);
  const text = () => new Response(stream.body as BodyInit).text();
  return { stream, bookmarks: false, hasSentEvent: false, text };
}

Deno.test("who joins in the middle of a burst gets only what comes after", async () => {
  const { objects: { store }, ask } = await freshApi();
  const kind = new ServedKind(configMaps, undefined);
  const lines = new WatchLines(
    kind,
    { as: "object" },
    "Metadata",
    new VirtualClock(),
  );
  const feed = new WatchFeed("feed", lines, { store, prefix: ["configmaps"], matches: matchesAll });
  const [early, late] = [watcher(), watcher()];
  feed.attach();
  feed.attach();
  feed.join(early);
  const stop = store.subscribe(["configmaps"], () => {
    // The feed has heard of the change, and has not written it yet.
    if (!feed.hasJoined(late)) feed.join(late);
  });
  for (const name of ["a", "b"]) {
    await ask("POST", "/api/v1/namespaces/default/configmaps", { metadata: { name } });
  }
  stop();
  for (const one of [early, late]) {
    one.stream.end();
    feed.leave(one);
  }
  const namesIn = (text: string) =>
    text.trim().split("\n").map((line) => JSON.parse(line).object.metadata.name);
  assert.deepEqual(namesIn(await early.text()), ["a", "b"]);
  assert.deepEqual(namesIn(await late.text()), ["b"]);
});

Deno.test("changes are not looked at before somebody has joined: to select them may take a webhook", async () => {
  const { objects: { store }, ask } = await freshApi();
  const kind = new ServedKind(configMaps, undefined);
  const lines = new WatchLines(kind, { as: "object" }, "Metadata", new VirtualClock());
  let looked = 0;
  const matches = () => {
    looked++;
    return true;
  };
  const feed = new WatchFeed("feed", lines, { store, prefix: ["configmaps"], matches });
  const one = watcher();
  feed.attach();
  await ask("POST", "/api/v1/namespaces/default/configmaps", { metadata: { name: "a" } });
  assert.equal(looked, 0);
  feed.join(one);
  await ask("POST", "/api/v1/namespaces/default/configmaps", { metadata: { name: "b" } });
  assert.ok(looked > 0);
  one.stream.end();
  feed.leave(one);
});
