import assert from "node:assert/strict";
import { type ApiFixture, freshApi } from "../api_fixture.ts";

const PATH = "/api/v1/namespaces/default/configmaps";

async function withConfigMaps(count: number): Promise<ApiFixture> {
  const fixture = await freshApi();
  for (let index = 0; index < count; index++) {
    const metadata = {
      name: `c${String(index).padStart(3, "0")}`,
      labels: { odd: String(index % 2) },
    };
    await fixture.ask("POST", PATH, { metadata, data: { index: String(index) } });
  }
  return fixture;
}

interface List {
  items: { metadata: { name: string } }[];
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
}

async function listOf({ ask }: ApiFixture, query = ""): Promise<List> {
  return await (await ask("GET", `${PATH}${query}`)).json();
}

function namesIn({ items }: List): string[] {
  return items.map(({ metadata }) => metadata.name);
}

Deno.test("a list comes in pages of one state, whatever happens in between", async () => {
  const fixture = await withConfigMaps(5);
  const first = await listOf(fixture, "?limit=2");
  assert.deepEqual(namesIn(first), ["c000", "c001"]);
  assert.equal(first.metadata.remainingItemCount, 3);
  await fixture.ask("DELETE", `${PATH}/c002`);
  await fixture.ask("POST", PATH, { metadata: { name: "c0025" } });
  const second = await listOf(fixture, `?limit=2&continue=${first.metadata.continue}`);
  assert.deepEqual(namesIn(second), ["c002", "c003"]);
  assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
  const third = await listOf(fixture, `?limit=2&continue=${second.metadata.continue}`);
  assert.deepEqual([namesIn(third), third.metadata.continue], [["c004"], undefined]);
  assert.deepEqual(namesIn(await listOf(fixture)), ["c000", "c001", "c0025", "c003", "c004"]);
});

Deno.test("resourceVersionMatch=Exact shows the past", async () => {
  const fixture = await withConfigMaps(2);
  const { metadata: { resourceVersion } } = await listOf(fixture);
  const merge = { "content-type": "application/merge-patch+json" };
  for (const index of ["8", "9"]) {
    await fixture.ask("PATCH", `${PATH}/c000`, { data: { index } }, merge);
  }
  await fixture.ask("DELETE", `${PATH}/c001`);
  const past = await listOf(
    fixture,
    `?resourceVersion=${resourceVersion}&resourceVersionMatch=Exact`,
  );
  assert.deepEqual(namesIn(past), ["c000", "c001"]);
  assert.equal((past.items[0] as unknown as { data: { index: string } }).data.index, "0");
});

Deno.test("a page whose state is forgotten is 410, with a token to go on with what is there now", async () => {
  const fixture = await withConfigMaps(3);
  const { metadata } = await listOf(fixture, "?limit=1");
  const { ExpiredError } = await import("../../store/store.ts");
  const { eventsAfter } = fixture.objects.store;
  await fixture.ask("DELETE", `${PATH}/c001`);
  fixture.objects.store.eventsAfter = () => {
    throw new ExpiredError("too old resource version: 1 (2)");
  };
  const expired = await fixture.ask("GET", `${PATH}?limit=1&continue=${metadata.continue}`);
  const status = await expired.json();
  assert.deepEqual([expired.status, status.reason], [410, "Expired"]);
  fixture.objects.store.eventsAfter = eventsAfter;
  const rest = await listOf(fixture, `?continue=${status.metadata.continue}`);
  assert.deepEqual(namesIn(rest), ["c002"]);
});

Deno.test("a version of the future and a token of somebody else are refused", async () => {
  const fixture = await withConfigMaps(1);
  const future = await fixture.ask("GET", `${PATH}?resourceVersion=999999`);
  assert.equal(future.status, 504);
  assert.match(
    (await future.json()).message,
    /^Timeout: Too large resource version: 999999, current: \d+$/,
  );
  for (const token of ["x", btoa('{"v":"meta.k8s.io/v1"}'), btoa("[]"), btoa("null")]) {
    const answer = await fixture.ask("GET", `${PATH}?continue=${token}`);
    assert.deepEqual([answer.status, (await answer.json()).message], [
      400,
      "invalid continue token: continue key is not valid",
    ]);
  }
});

Deno.test("selectors narrow a list", async () => {
  const fixture = await withConfigMaps(4);
  assert.deepEqual(namesIn(await listOf(fixture, "?labelSelector=odd%3D1")), ["c001", "c003"]);
  assert.deepEqual(namesIn(await listOf(fixture, "?fieldSelector=metadata.name%3Dc002")), ["c002"]);
  const both = "?labelSelector=odd%3D1&fieldSelector=metadata.name!%3Dc001";
  assert.deepEqual(namesIn(await listOf(fixture, both)), ["c003"]);
});

Deno.test("pages of any size, with a selector or without, are the list", async () => {
  const fixture = await withConfigMaps(7);
  for (const selector of ["", "&labelSelector=odd%3D1", "&labelSelector=odd%3D0"]) {
    const whole = namesIn(await listOf(fixture, `?${selector}`));
    for (let limit = 1; limit <= whole.length + 1; limit++) {
      const pages: string[][] = [];
      let token: string | undefined = "";
      do {
        const page = await listOf(fixture, `?limit=${limit}${selector}&continue=${token}`);
        pages.push(namesIn(page));
        token = page.metadata.continue;
      } while (token !== undefined);
      assert.deepEqual(pages.flat(), whole);
      assert.equal(pages.length, Math.ceil(whole.length / limit), `limit ${limit}${selector}`);
    }
  }
});

Deno.test("a list and the beginning of a watch are the bytes of the store: no object is made for them", async () => {
  const fixture = await withConfigMaps(3);
  const { store } = fixture.objects;
  const list = store.list.bind(store);
  store.list = (prefix) =>
    list(prefix).map(({ key, revision, bytes }) => ({
      key,
      revision,
      bytes,
      get object(): never {
        throw new Error(`${key[2]} was read`);
      },
    }));
  assert.equal((await listOf(fixture)).items.length, 3);
  assert.deepEqual(namesIn(await listOf(fixture, "?limit=2")), ["c000", "c001"]);
  const watch = await fixture.ask("GET", `${PATH}?watch=true&timeoutSeconds=1`);
  const reader = watch.body!.getReader();
  const { value } = await reader.read();
  assert.match(new TextDecoder().decode(value), /"name":"c002"/);
  await reader.cancel();
});

Deno.test("a long list is the same when it is written in pieces", async () => {
  const fixture = await withConfigMaps(1);
  const { ask } = fixture;
  for (let index = 0; index < 40; index++) {
    await ask("POST", PATH, { metadata: { name: `big${index}` }, data: { x: "x".repeat(10_000) } });
  }
  const answer = await ask("GET", PATH);
  const text = await answer.text();
  assert.equal(Number(answer.headers.get("content-length")), text.length);
  assert.equal(JSON.parse(text).items.length, 42 - 1);
  const accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
  const table = await (await ask("GET", `${PATH}?includeObject=Object`, undefined, { accept }))
    .json();
  assert.equal(table.rows.length, 41);
  const metadata = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
  const list = await (await ask("GET", PATH, undefined, { accept: metadata })).json();
  assert.deepEqual([list.kind, list.items[0].data], ["PartialObjectMetadataList", undefined]);
});

Deno.test("events are selected by the names that fields have in their version", async () => {
  const { ask } = await freshApi();
  const events = (group: string) => `${group}/namespaces/default/events`;
  await ask("POST", events("/apis/events.k8s.io/v1"), {
    metadata: { name: "e" },
    eventTime: "2026-01-01T00:00:00.000000Z",
    reportingController: "lab",
    reportingInstance: "one",
    action: "Did",
    reason: "Why",
    type: "Normal",
    regarding: { kind: "Pod", name: "p", namespace: "default" },
  });
  for (
    const [group, field, code, count] of [
      ["/apis/events.k8s.io/v1", "reportingController=lab", 200, 1],
      ["/apis/events.k8s.io/v1", "regarding.name=other", 200, 0],
      ["/apis/events.k8s.io/v1", "involvedObject.name=p", 400, undefined],
      ["/api/v1", "involvedObject.name=p", 200, 1],
      ["/api/v1", "reportingController=lab", 400, undefined],
    ] as const
  ) {
    const answer = await ask("GET", `${events(group)}?fieldSelector=${encodeURIComponent(field)}`);
    const { items } = await answer.json();
    assert.deepEqual([answer.status, items?.length], [code, count], field);
  }
});
