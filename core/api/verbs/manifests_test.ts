import assert from "node:assert/strict";
import { freshApi } from "../api_fixture.ts";

const GOOD = `apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data: {x: one}
---
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b"}}
`;
const CURL = { "user-agent": "curl/8.0", accept: "*/*", "content-type": "" };

Deno.test("PUT /apply creates each object, then changes what has changed", async () => {
  const { ask } = await freshApi();
  const first = await (await ask("PUT", "/apply", GOOD, { "content-type": "application/yaml" }))
    .json();
  assert.deepEqual([first.kind, first.status], ["Status", "Success"]);
  assert.deepEqual(
    first.results.map(({ object, outcome }: Record<string, string>) => `${object} ${outcome}`),
    [
      "configmap/a created",
      "configmap/b created",
    ],
  );
  const second = await ask("PUT", "/apply", GOOD.replace("one", "two"), CURL);
  assert.equal(await second.text(), "configmap/a configured\nconfigmap/b unchanged\n");
});

Deno.test("when a document is wrong nothing is written, and every error says where", async () => {
  const { ask } = await freshApi();
  const wrong = `${GOOD}---
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  color: red
  restartPolicy: Often
  containers:
  - image: b
`;
  const answer = await ask("PUT", "/apply", wrong, CURL);
  const text = await answer.text();
  assert.equal(answer.status, 422);
  assert.match(text, /^error: line 12, column \d+: pod\/web: .*color/m);
  assert.match(
    text,
    /^error: line 13, column \d+: pod\/web: spec.restartPolicy: Unsupported value/m,
  );
  assert.match(
    text,
    /^error: line 15, column \d+: pod\/web: spec.containers\[0\].name: Required value/m,
  );
  assert.match(text, /1 of 3 objects cannot be applied, nothing was changed/);
  assert.equal((await ask("GET", "/api/v1/namespaces/default/configmaps/a")).status, 404);
});

Deno.test("what is no stream of manifests is a clear 4xx", async () => {
  const { ask } = await freshApi();
  const deep = "[".repeat(100) + "]".repeat(100);
  const bomb = ["a: &a [x,x,x,x,x,x,x,x,x,x]"];
  for (let level = 0; level < 8; level++) {
    const [from, to] = ["abcdefghij"[level], "abcdefghij"[level + 1]];
    bomb.push(`${to}: &${to} [${Array(10).fill(`*${from}`).join()}]`);
  }
  const table: [string | Uint8Array, string, number, RegExp][] = [
    ["", "", 400, /no objects passed to apply/],
    ["a: [", "", 400, /line 1, column \d/],
    [`kind: ${deep}`, "", 400, /nested/],
    [bomb.join("\n"), "", 400, /alias/],
    [new Uint8Array([0x61, 0x3a, 0xff]), "", 400, /invalid UTF-8/],
    ["x".repeat(4 << 20), "", 413, /limit is 3145728/],
    [
      GOOD,
      "application/x-www-form-urlencoded",
      415,
      /accepted media types include: application\/yaml/,
    ],
    [
      "kind: Dog\napiVersion: v1\nmetadata: {name: a}",
      "",
      422,
      /line 1, column \d+: .*no matches for kind "Dog"/,
    ],
  ];
  for (const [body, type, code, words] of table) {
    const answer = await ask("PUT", "/apply", body, { "content-type": type });
    assert.equal(answer.status, code, String(words));
    assert.match(JSON.stringify(await answer.json()).replaceAll('\\"', '"'), words);
  }
  for (const method of ["POST", "PATCH", "GET"]) {
    const answer = await ask(method, "/apply");
    assert.equal(answer.status, 405);
    assert.match((await answer.json()).message, /send manifests by PUT/);
  }
});

Deno.test("dryRun and namespace come from the query", async () => {
  const { ask } = await freshApi();
  await ask("POST", "/api/v1/namespaces", { metadata: { name: "blue" } });
  const dry = await ask("PUT", "/apply?namespace=blue&dryRun=All", GOOD, CURL);
  assert.equal(
    await dry.text(),
    "configmap/a created (server dry run)\nconfigmap/b created (server dry run)\n",
  );
  assert.equal((await ask("GET", "/api/v1/namespaces/blue/configmaps/a")).status, 404);
  await ask("PUT", "/apply?namespace=blue", GOOD, CURL);
  assert.equal((await ask("GET", "/api/v1/namespaces/blue/configmaps/a")).status, 200);
});

Deno.test("server-side, fields are managed, and those of others taken by force alone", async () => {
  const { ask } = await freshApi();
  const send = async (manifest: string, query: string) =>
    await (await ask("PUT", `/apply?${query}`, manifest, CURL)).text();
  await send(GOOD, "server-side&fieldManager=one");
  const changed = GOOD.replace("one", "two");
  assert.match(
    await send(changed, "server-side&fieldManager=two"),
    /^error: line 4, column \d+: configmap\/a: \.data\.x: conflict with "one"\n/,
  );
  const forced = "server-side=true&force-conflicts=true&fieldManager=two";
  assert.equal(await send(changed, forced), "configmap/a configured\nconfigmap/b unchanged\n");
  const { metadata } = await (await ask("GET", "/api/v1/namespaces/default/configmaps/a")).json();
  assert.deepEqual(
    metadata.managedFields.map(({ manager, operation, fieldsV1 }: Record<string, unknown>) => [
      manager,
      operation,
      fieldsV1,
    ]),
    [["two", "Apply", { "f:data": { "f:x": {} } }]],
  );
  assert.match(await send(GOOD, "force=true"), /may not be specified without server-side/);
});
