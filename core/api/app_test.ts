import assert from "node:assert/strict";
import { freshApi, TOKEN } from "./api_fixture.ts";

const PODS = "/api/v1/namespaces/default/pods";
const TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

function pod(name: string, more: Record<string, unknown> = {}) {
  return { metadata: { name, ...more }, spec: { containers: [{ name: "a", image: "b" }] } };
}

Deno.test("a health check by a name that none could have is not found", async () => {
  const { ask } = await freshApi();
  for (const name of ["%20", "a%2Fb", "é"]) {
    assert.equal((await ask("GET", `/livez/${name}`)).status, 404, name);
  }
});

Deno.test("metrics are told in Prometheus' format", async () => {
  const { ask } = await freshApi();
  const answer = await ask("GET", "/metrics");
  assert.equal(answer.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  assert.deepEqual([answer.status, await answer.text()], [200, "seen 1\n"]);
});

Deno.test("POST stores an object with its defaults and answers 201", async () => {
  const { ask } = await freshApi();
  const answer = await ask("POST", PODS, pod("web"));
  const stored = await answer.json();
  assert.equal(answer.status, 201);
  assert.deepEqual([stored.kind, stored.apiVersion], ["Pod", "v1"]);
  assert.equal(stored.spec.restartPolicy, "Always");
  assert.deepEqual(await (await ask("GET", `${PODS}/web`)).json(), stored);
});

Deno.test("POST names every field that is wrong, as a Status", async () => {
  const { ask } = await freshApi();
  const containers = [{ image: "b" }];
  const body = { metadata: { name: "web" }, spec: { containers, restartPolicy: "Often" } };
  const answer = await ask("POST", PODS, body);
  const status = await answer.json();
  assert.deepEqual([answer.status, status.kind, status.reason], [422, "Status", "Invalid"]);
  const fields = status.details.causes.map(({ field }: { field: string }) => field);
  assert.deepEqual(fields.sort(), ["spec.containers[0].name", "spec.restartPolicy"]);
});

Deno.test("unknown fields are a warning, or with fieldValidation=Strict a refusal", async () => {
  const { ask } = await freshApi();
  const body = { ...pod("web"), spec: { ...pod("web").spec, 'co"lor': "red" } };
  const warned = await ask("POST", PODS, body);
  assert.equal(warned.status, 201);
  assert.match(warned.headers.get("warning") ?? "", /^299 - "unknown field \\"spec.co\\"lor\\""$/);
  const refused = await ask("POST", `${PODS}?fieldValidation=Strict`, {
    ...body,
    metadata: { name: "x" },
  });
  assert.equal(refused.status, 400);
  assert.match((await refused.json()).message, /strict decoding error: unknown field/);
});

Deno.test("dryRun=All answers as if, and stores nothing", async () => {
  const { ask } = await freshApi();
  assert.equal((await ask("POST", `${PODS}?dryRun=All`, pod("web"))).status, 201);
  assert.equal((await ask("GET", `${PODS}/web`)).status, 404);
  assert.equal((await ask("POST", `${PODS}?dryRun=Some`, pod("web"))).status, 422);
});

Deno.test("every kind of body that cannot be read is a clear 4xx", async () => {
  const { ask } = await freshApi();
  const deep = "[".repeat(100) + "]".repeat(100);
  const table: [string, string | Uint8Array, number, RegExp][] = [
    ["application/json", "{", 400, /unable to decode/],
    ["application/json", new Uint8Array([0x22, 0xff, 0x22]), 400, /invalid UTF-8/],
    ["application/json", `{"a":${deep}}`, 400, /nested more than 64 levels/],
    ["application/yaml", "a: &x [1]\nb: [*y]", 400, /unable to decode/],
    ["text/html", "<p>", 415, /accepted media types include: application\/json/],
    ["application/json", new Uint8Array(4 << 20), 413, /limit is 3145728/],
    ["application/vnd.kubernetes.protobuf", "x", 400, /does not appear to be a protobuf/],
    ["application/json", "[]", 400, /unrecognized/],
  ];
  for (const [type, body, code, words] of table) {
    const answer = await ask("POST", PODS, body, { "content-type": type });
    assert.equal(answer.status, code, type);
    assert.match((await answer.json()).message, words);
  }
});

Deno.test("a body that is larger than it said is cut off while it is read", async () => {
  const { api } = await freshApi();
  let sent = 0;
  const body = new ReadableStream({
    pull(controller) {
      sent += 64 * 1024;
      controller.enqueue(new Uint8Array(64 * 1024));
    },
  });
  const answer = await api.app.request(PODS, {
    method: "POST",
    body,
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
  });
  assert.equal(answer.status, 413);
  assert.ok(sent < 4 * 1024 * 1024);
});

Deno.test("PUT replaces, and a version that is not the newest is a conflict", async () => {
  const { ask } = await freshApi();
  const created = await (await ask("POST", PODS, pod("web"))).json();
  const labeled = { ...created, metadata: { ...created.metadata, labels: { a: "b" } } };
  assert.equal((await ask("PUT", `${PODS}/web`, labeled)).status, 200);
  const again = await ask("PUT", `${PODS}/web`, { ...labeled, metadata: { ...created.metadata } });
  assert.deepEqual([again.status, (await again.json()).reason], [409, "Conflict"]);
});

Deno.test("PATCH knows merge, strategic merge and JSON patches by their content type", async () => {
  const { ask } = await freshApi();
  await ask("POST", PODS, pod("web"));
  const patched = async (type: string, body: unknown) => {
    const answer = await ask("PATCH", `${PODS}/web`, body, { "content-type": type });
    return { code: answer.status, object: await answer.json() };
  };
  const merge = await patched("application/merge-patch+json", { metadata: { labels: { a: "b" } } });
  assert.deepEqual([merge.code, merge.object.metadata.labels], [200, { a: "b" }]);
  const json = await patched("application/json-patch+json", [
    { op: "replace", path: "/metadata/labels/a", value: "c" },
  ]);
  assert.deepEqual(json.object.metadata.labels, { a: "c" });
  const strategic = await patched("application/strategic-merge-patch+json", {
    spec: { containers: [{ name: "a", image: "new" }] },
  });
  assert.deepEqual(strategic.object.spec.containers.map(({ image }: { image: string }) => image), [
    "new",
  ]);
  const wrong = await patched("application/json", {});
  assert.equal(wrong.code, 415);
  assert.equal(wrong.object.message, "415: Unsupported Media Type");
  assert.deepEqual(wrong.object.details, {});
});

Deno.test("DELETE answers with a Status when the object is gone", async () => {
  const { ask } = await freshApi();
  const path = "/api/v1/namespaces/default/configmaps";
  await ask("POST", path, { metadata: { name: "a" }, data: {} });
  const answer = await (await ask("DELETE", `${path}/a`, { propagationPolicy: "Background" }))
    .json();
  assert.deepEqual([answer.kind, answer.status, answer.details.name, answer.details.kind], [
    "Status",
    "Success",
    "a",
    "configmaps",
  ]);
  const again = await ask("DELETE", `${path}/a`);
  assert.deepEqual([again.status, (await again.json()).message], [404, 'configmaps "a" not found']);
});

Deno.test("a grace that is no number ends nothing", async () => {
  const { ask } = await freshApi();
  await ask("POST", PODS, pod("web"));
  await ask("POST", `${PODS}/web/binding`, { target: { kind: "Node", name: "n1" } });
  for (
    const [query, body] of [
      ["?gracePeriodSeconds=", undefined],
      ["?gracePeriodSeconds=%20", undefined],
      ["", { gracePeriodSeconds: "" }],
      ["", { gracePeriodSeconds: false }],
      ["", { gracePeriodSeconds: [] }],
    ] as const
  ) {
    const answer = await ask("DELETE", `${PODS}/web${query}`, body);
    const { message } = await answer.json();
    assert.deepEqual([answer.status, query, body], [422, query, body]);
    assert.match(message, /gracePeriodSeconds: Invalid value: .*: must be an integer$/);
  }
  const { metadata } = await (await ask("GET", `${PODS}/web`)).json();
  assert.equal(metadata.deletionTimestamp, undefined);
});

Deno.test("DELETE of a collection takes what the selector selects", async () => {
  const { ask } = await freshApi();
  const path = "/api/v1/namespaces/default/configmaps";
  for (const name of ["a", "b", "c"]) {
    await ask("POST", path, { metadata: { name, labels: { drop: String(name !== "b") } } });
  }
  const answer = await (await ask("DELETE", `${path}?labelSelector=drop%3Dtrue`)).json();
  assert.equal(answer.items.length, 2);
  const left = await (await ask("GET", path)).json();
  assert.deepEqual(left.items.map((item: { metadata: { name: string } }) => item.metadata.name), [
    "b",
  ]);
});

Deno.test("scale and status are written by their own subresources", async () => {
  const { ask } = await freshApi();
  const path = "/apis/apps/v1/namespaces/default/deployments";
  const template = { metadata: { labels: { app: "x" } }, spec: pod("x").spec };
  const spec = { selector: { matchLabels: { app: "x" } }, template };
  await ask("POST", path, { metadata: { name: "x" }, spec });
  const merge = { "content-type": "application/merge-patch+json" };
  const scaled = await (await ask("PATCH", `${path}/x/scale`, { spec: { replicas: 4 } }, merge))
    .json();
  assert.deepEqual([scaled.kind, scaled.apiVersion, scaled.spec.replicas, scaled.status.selector], [
    "Scale",
    "autoscaling/v1",
    4,
    "app=x",
  ]);
  const both = { spec: { replicas: 9 }, status: { replicas: 7 } };
  const status = await (await ask("PATCH", `${path}/x/status`, both, merge)).json();
  assert.deepEqual([status.spec.replicas, status.status.replicas], [4, 7]);
});

Deno.test("binding puts a pod on a node, once", async () => {
  const { ask } = await freshApi();
  await ask("POST", PODS, pod("web"));
  const binding = { apiVersion: "v1", kind: "Binding", target: { kind: "Node", name: "n1" } };
  assert.equal((await ask("POST", `${PODS}/web/binding`, binding)).status, 201);
  assert.equal((await (await ask("GET", `${PODS}/web`)).json()).spec.nodeName, "n1");
  assert.equal((await ask("POST", `${PODS}/web/binding`, binding)).status, 409);
});

Deno.test("a Table has a row for each object, and wide columns carry a priority", async () => {
  const { ask } = await freshApi();
  await ask("POST", PODS, pod("web"));
  const table = await (await ask("GET", PODS, undefined, { accept: TABLE })).json();
  assert.deepEqual([table.kind, table.apiVersion], ["Table", "meta.k8s.io/v1"]);
  const names = table.columnDefinitions.map(({ name }: { name: string }) => name);
  assert.deepEqual(names.slice(0, 5), ["Name", "Ready", "Status", "Restarts", "Age"]);
  assert.equal(table.columnDefinitions.at(-1).priority, 1);
  assert.deepEqual(table.rows[0].cells.slice(0, 5), ["web", "0/1", "Pending", "0", "0s"]);
  assert.equal(table.rows[0].object.kind, "PartialObjectMetadata");
  const none = await (await ask("GET", `${PODS}?includeObject=None`, undefined, { accept: TABLE }))
    .json();
  assert.equal(none.rows[0].object, null);
  const whole =
    await (await ask("GET", `${PODS}/web?includeObject=Object`, undefined, { accept: TABLE }))
      .json();
  assert.equal(whole.rows[0].object.spec.containers[0].name, "a");
  assert.equal((await ask("GET", PODS, undefined, { accept: "text/html" })).status, 406);
});

Deno.test("an object is shown in the version that is asked for", async () => {
  const { ask } = await freshApi();
  const note = "/apis/events.k8s.io/v1/namespaces/default/events";
  const regarding = { kind: "Pod", namespace: "default", name: "web" };
  const created = await ask("POST", note, {
    metadata: { name: "e" },
    regarding,
    note: "hello",
    reason: "Started",
    type: "Normal",
    action: "Start",
    eventTime: "2026-01-01T00:00:00.000000Z",
    reportingController: "test",
    reportingInstance: "test-1",
  });
  const event = await created.json();
  assert.deepEqual([created.status, event.apiVersion, event.note], [
    201,
    "events.k8s.io/v1",
    "hello",
  ]);
  const core = await (await ask("GET", "/api/v1/namespaces/default/events/e")).json();
  assert.deepEqual([core.apiVersion, core.message, core.involvedObject.name], [
    "v1",
    "hello",
    "web",
  ]);
  const list = await (await ask("GET", note)).json();
  assert.equal(list.items[0].note, "hello");
});

Deno.test("paths and methods that are not there are refused in Kubernetes' words", async () => {
  const { ask } = await freshApi();
  const table: [string, string, number, string][] = [
    ["GET", "/nothing", 404, "the server could not find the requested resource"],
    ["GET", "/api/v1/dogs", 404, "the server could not find the requested resource"],
    ["GET", `${PODS}/web/nothing`, 404, "the server could not find the requested resource"],
    [
      "GET",
      "/api/v1/namespaces/default/nodes",
      404,
      "the server could not find the requested resource",
    ],
    [
      "POST",
      "/api/v1/pods",
      405,
      "the server does not allow this method on the requested resource",
    ],
    [
      "DELETE",
      "/api/v1/watch/namespaces/default/pods/web",
      405,
      "the server does not allow this method on the requested resource",
    ],
    [
      "DELETE",
      "/api/v1/pods",
      405,
      "the server does not allow this method on the requested resource",
    ],
    [
      "DELETE",
      "/api/v1/namespaces",
      405,
      "the server does not allow this method on the requested resource",
    ],
    ["GET", `${PODS}/web`, 404, 'pods "web" not found'],
    [
      "GET",
      `${PODS}?fieldSelector=spec.x%3Dy`,
      400,
      "field label not supported: spec.x",
    ],
    [
      "GET",
      `${PODS}?labelSelector=a%20b`,
      400,
      "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt",
    ],
    ["GET", `${PODS}?limit=x`, 400, 'strconv.ParseInt: parsing "x": invalid syntax'],
  ];
  for (const [method, path, code, message] of table) {
    const answer = await ask(method, path);
    const status = await answer.json();
    assert.deepEqual([answer.status, status.message, status.code], [code, message, code], path);
  }
});

Deno.test("a fault is told by its request id alone", async () => {
  const { api, objects } = await freshApi();
  objects.store.list = () => {
    throw new Error("a secret of the house");
  };
  const answer = await api.app.request(PODS, {
    headers: { authorization: `Bearer ${TOKEN}`, "audit-id": "my-request" },
  });
  const status = await answer.json();
  assert.deepEqual([answer.status, status.reason], [500, "InternalError"]);
  assert.match(status.message, /my-request/);
  assert.doesNotMatch(JSON.stringify(status), /secret/);
});

Deno.test("documents of discovery are there with a slash at the end of their paths, too", async () => {
  const { ask } = await freshApi();
  for (const path of ["/api", "/apis", "/api/v1", "/apis/apps", "/apis/apps/v1"]) {
    const [plain, slashed] = await Promise.all([ask("GET", path), ask("GET", `${path}/`)]);
    assert.deepEqual([slashed.status, await slashed.json()], [200, await plain.json()], path);
  }
  assert.equal((await ask("GET", "/apis/nope/")).status, 404);
});
