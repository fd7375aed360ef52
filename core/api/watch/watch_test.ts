import assert from "node:assert/strict";
import { VirtualClock } from "../../lib/virtual_clock.ts";
import type { KubeObject } from "../../resources/resource.ts";
import { type ApiFixture, freshApi } from "../api_fixture.ts";

const PATH = "/api/v1/namespaces/default/configmaps";
const MERGE = { "content-type": "application/merge-patch+json" };

// deno-lint-ignore no-explicit-any
type Line = { type: string; object: any };

/** Reads a watch line by line. */
class Lines {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #text = "";

  constructor(answer: Response) {
    assert.equal(answer.status, 200);
    this.#reader = answer.body!.getReader();
  }

  /** The next line; `undefined` at the end. */
  async next(): Promise<Line | undefined> {
    for (;;) {
      const end = this.#text.indexOf("\n");
      if (end >= 0) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 1);
        return JSON.parse(line);
      }
      const { value, done } = await this.#reader.read();
      if (done) return undefined;
      this.#text += new TextDecoder().decode(value);
    }
  }

  async words(count: number): Promise<string[]> {
    const words: string[] = [];
    for (let index = 0; index < count; index++) {
      const line = await this.next();
      words.push(`${line?.type} ${line?.object.metadata.name}`);
    }
    return words;
  }

  cancel(): Promise<void> {
    return this.#reader.cancel();
  }
}

async function watch({ ask }: ApiFixture, query = "", headers = {}): Promise<Lines> {
  return new Lines(await ask("GET", `${PATH}?watch=true&${query}`, undefined, headers));
}

function configMap(name: string, labels: Record<string, string> = {}) {
  return { metadata: { name, labels } };
}

async function versionOf({ ask }: ApiFixture): Promise<string> {
  return (await (await ask("GET", PATH)).json()).metadata.resourceVersion;
}

Deno.test("a watch tells what happens after its resourceVersion", async () => {
  const fixture = await freshApi();
  const { ask } = fixture;
  const version = await versionOf(fixture);
  await ask("POST", PATH, configMap("past"));
  const lines = await watch(fixture, `resourceVersion=${version}`);
  await ask("POST", PATH, configMap("a"));
  await ask("PATCH", `${PATH}/a`, { data: { x: "y" } }, MERGE);
  await ask("DELETE", `${PATH}/a`);
  assert.deepEqual(await lines.words(4), ["ADDED past", "ADDED a", "MODIFIED a", "DELETED a"]);
  await lines.cancel();
});

Deno.test("a watch without a resourceVersion begins with what is there", async () => {
  const fixture = await freshApi();
  await fixture.ask("POST", PATH, configMap("a"));
  await fixture.ask("POST", PATH, configMap("b"));
  const lines = await watch(fixture);
  assert.deepEqual(await lines.words(2), ["ADDED a", "ADDED b"]);
  await fixture.ask("POST", PATH, configMap("c"));
  assert.deepEqual(await lines.words(1), ["ADDED c"]);
  await lines.cancel();
});

Deno.test("sendInitialEvents ends the initial state with an annotated bookmark", async () => {
  const fixture = await freshApi();
  await fixture.ask("POST", PATH, configMap("a"));
  const query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
  const lines = await watch(fixture, query);
  assert.deepEqual(await lines.words(1), ["ADDED a"]);
  const { type, object } = (await lines.next())!;
  assert.deepEqual([type, object.kind, object.metadata.annotations], ["BOOKMARK", "ConfigMap", {
    "k8s.io/initial-events-end": "true",
  }]);
  assert.equal(object.metadata.resourceVersion, await versionOf(fixture));
  await lines.cancel();
});

Deno.test("a watch from any version without initial events begins with what comes next", async () => {
  const fixture = await freshApi();
  await fixture.ask("POST", PATH, configMap("a"));
  const match = "resourceVersionMatch=NotOlderThan";
  const lines = await watch(fixture, `sendInitialEvents=false&${match}&resourceVersion=0`);
  await fixture.ask("POST", PATH, configMap("b"));
  assert.deepEqual(await lines.words(1), ["ADDED b"]);
  await lines.cancel();
});

Deno.test("what enters a selection is ADDED, what leaves it is DELETED in its last state", async () => {
  const fixture = await freshApi();
  const { ask } = fixture;
  const version = await versionOf(fixture);
  const lines = await watch(fixture, `labelSelector=in%3Dyes&resourceVersion=${version}`);
  const relabel = (value: string) =>
    ask("PATCH", `${PATH}/a`, { metadata: { labels: { in: value } } }, MERGE);
  await ask("POST", PATH, configMap("a", { in: "no" }));
  await relabel("yes");
  await ask("PATCH", `${PATH}/a`, { data: { x: "y" } }, MERGE);
  await relabel("no");
  await ask("DELETE", `${PATH}/a`);
  await ask("POST", PATH, configMap("b", { in: "yes" }));
  assert.deepEqual(await lines.words(2), ["ADDED a", "MODIFIED a"]);
  const left = (await lines.next())!;
  assert.deepEqual([left.type, left.object.metadata.labels], ["DELETED", { in: "yes" }]);
  assert.ok(Number(left.object.metadata.resourceVersion) > Number(version) + 3);
  assert.deepEqual(await lines.words(1), ["ADDED b"]);
  await lines.cancel();
});

Deno.test("a version that is no longer kept, or not yet there, is an ERROR event with code 410", async () => {
  const fixture = await freshApi();
  const { ExpiredError } = await import("../../store/store.ts");
  const future = await watch(fixture, "resourceVersion=999999");
  assert.equal((await future.next())?.object.code, 410);
  fixture.objects.store.eventsAfter = () => {
    throw new ExpiredError("too old resource version: 1 (2)");
  };
  const lines = await watch(fixture, "resourceVersion=1");
  const { type, object } = (await lines.next())!;
  assert.deepEqual([type, object.kind, object.reason, object.message], [
    "ERROR",
    "Status",
    "Expired",
    "too old resource version: 1 (2)",
  ]);
  assert.equal(await lines.next(), undefined);
});

Deno.test("a watch ends in time, with a last bookmark", async () => {
  const clock = new VirtualClock(Date.parse("2026-01-01T00:00:00Z"));
  const fixture = await freshApi({ clock });
  const version = await versionOf(fixture);
  const query = `resourceVersion=${version}&timeoutSeconds=90&allowWatchBookmarks=true`;
  const lines = await watch(fixture, query);
  await clock.advance(60_000);
  assert.equal((await lines.next())?.type, "BOOKMARK");
  await clock.advance(30_000);
  const last = await lines.next();
  assert.deepEqual([last?.type, last?.object.metadata.resourceVersion], ["BOOKMARK", version]);
  assert.equal(await lines.next(), undefined);
});

Deno.test("events of one burst are one chunk, shared by all who watch the same", async () => {
  const fixture = await freshApi();
  const { store } = fixture.objects;
  const base = (await (await fixture.ask("POST", PATH, configMap("base"))).json()) as KubeObject;
  const version = base.metadata.resourceVersion;
  const [one, two] = await Promise.all([1, 2].map(async () => {
    const answer = await fixture.ask("GET", `${PATH}?watch=true&resourceVersion=${version}`);
    return answer.body!.getReader();
  }));
  await store.commit(["a", "b", "c"].map((name) => ({
    key: ["configmaps", "default", name] as const,
    value: { ...base, metadata: { ...base.metadata, name } },
    expected: 0,
  })));
  const [first, second] = await Promise.all([one!.read(), two!.read()]);
  assert.equal(new TextDecoder().decode(first.value).trim().split("\n").length, 3);
  assert.equal(first.value, second.value);
  await Promise.all([one!.cancel(), two!.cancel()]);
});

Deno.test("only the first event of a Table watch carries the columns", async () => {
  const fixture = await freshApi();
  const version = await versionOf(fixture);
  const accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
  const lines = await watch(fixture, `resourceVersion=${version}`, { accept });
  await fixture.ask("POST", PATH, configMap("a"));
  await fixture.ask("POST", PATH, configMap("b"));
  const [first, second] = [await lines.next(), await lines.next()];
  assert.deepEqual([first?.object.kind, first?.object.rows.length], ["Table", 1]);
  assert.equal(first?.object.columnDefinitions[0].name, "Name");
  assert.deepEqual([second?.object.columnDefinitions, second?.object.rows[0].cells[0]], [
    null,
    "b",
  ]);
  await lines.cancel();
});

Deno.test("a watcher that reads nothing is cut off", async () => {
  const fixture = await freshApi();
  const { WATCH_QUEUE_BYTES_MAX } = await import("./watch_limits.ts");
  const answer = await fixture.ask(
    "GET",
    `${PATH}?watch=true&resourceVersion=${await versionOf(fixture)}`,
  );
  const data = { x: "x".repeat(900_000) };
  const writes = Math.ceil(WATCH_QUEUE_BYTES_MAX / 900_000) + 1;
  for (let index = 0; index < writes; index++) {
    await fixture.ask("POST", PATH, { ...configMap(`c${index}`), data });
  }
  await assert.rejects(answer.text(), /cut off/);
});

Deno.test("endStreams ends every watch and refuses new ones", async () => {
  const fixture = await freshApi();
  const lines = await watch(fixture, `resourceVersion=${await versionOf(fixture)}`);
  fixture.api.endStreams();
  assert.equal(await lines.next(), undefined);
  assert.equal((await fixture.ask("GET", `${PATH}?watch=true`)).status, 429);
});

Deno.test("whoever leaves in the middle of the past is forgotten", async () => {
  const fixture = await freshApi();
  for (let index = 0; index < 40; index++) {
    await fixture.ask("POST", PATH, { ...configMap(`c${index}`), data: { x: "x".repeat(10_000) } });
  }
  const lines = await watch(fixture);
  assert.deepEqual(await lines.words(1), ["ADDED c0"]);
  await lines.cancel();
  await fixture.ask("POST", PATH, configMap("late"));
  const again = await watch(fixture, "fieldSelector=metadata.name%3Dlate");
  assert.deepEqual(await again.words(1), ["ADDED late"]);
  await again.cancel();
});
