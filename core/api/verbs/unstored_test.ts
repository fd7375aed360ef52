import assert from "node:assert/strict";
import { freshApi } from "../api_fixture.ts";

const TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
const COMPONENTS = "/api/v1/componentstatuses";

Deno.test("the parts of the control plane can be read, with a word that one should not", async () => {
  const { ask } = await freshApi();
  const list = await ask("GET", COMPONENTS);
  assert.equal(
    list.headers.get("warning"),
    '299 - "v1 ComponentStatus is deprecated in v1.19+"',
  );
  const { kind, items } = await list.json();
  assert.equal(kind, "ComponentStatusList");
  assert.deepEqual(items.map(({ metadata }: { metadata: unknown }) => metadata), [
    { name: "controller-manager" },
    { name: "scheduler" },
    { name: "etcd-0" },
  ]);
  const one = await (await ask("GET", `${COMPONENTS}/etcd-0`)).json();
  assert.deepEqual(one.conditions, [{ type: "Healthy", status: "True", message: "ok" }]);
  const { rows } = await (await ask("GET", COMPONENTS, undefined, { accept: TABLE })).json();
  assert.deepEqual(rows[1].cells, ["scheduler", "Healthy", "ok", ""]);
  assert.equal((await ask("GET", `${COMPONENTS}/none`)).status, 404);
  const selected = await ask("GET", `${COMPONENTS}?fieldSelector=metadata.name%3Dscheduler`);
  assert.equal((await selected.json()).items.length, 1);
  for (const query of ["?watch=1"]) {
    assert.equal((await ask("GET", `${COMPONENTS}${query}`)).status, 405, query);
  }
  assert.equal((await ask("POST", COMPONENTS, {})).status, 405);
  assert.equal((await ask("DELETE", `${COMPONENTS}/etcd-0`)).status, 405);
});

Deno.test("a Binding that is created binds the pod of its name", async () => {
  const { ask } = await freshApi();
  const namespace = "/api/v1/namespaces/default";
  const containers = [{ name: "a", image: "b" }];
  await ask("POST", `${namespace}/pods`, { metadata: { name: "web" }, spec: { containers } });
  const target = { kind: "Node", name: "n1" };
  const bind = (binding: object) => ask("POST", `${namespace}/bindings`, binding);
  const answer = await bind({ metadata: { name: "web" }, target });
  assert.equal(answer.status, 201);
  assert.deepEqual(await answer.json(), {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    code: 201,
  });
  const pod = await (await ask("GET", `${namespace}/pods/web`)).json();
  assert.equal(pod.spec.nodeName, "n1");
  assert.equal((await bind({ metadata: { name: "web" }, target })).status, 409);
  assert.equal((await bind({ metadata: { name: "none" }, target })).status, 404);
  assert.equal((await bind({ target })).status, 400);
  assert.equal((await bind({ metadata: { name: { toString: 1 } }, target })).status, 400);
});

Deno.test("reading and writing Endpoints says what to use instead", async () => {
  const { ask } = await freshApi();
  const path = "/api/v1/namespaces/default/endpoints";
  const warning =
    '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"';
  for (const [method, body] of [["GET"], ["POST", { metadata: { name: "e" } }]] as const) {
    assert.equal((await ask(method, path, body)).headers.get("warning"), warning);
  }
});

Deno.test("the scale of a ReplicationController selects by its labels", async () => {
  const { ask } = await freshApi();
  const path = "/api/v1/namespaces/default/replicationcontrollers";
  const template = {
    metadata: { labels: { app: "web" } },
    spec: { containers: [{ name: "a", image: "b" }] },
  };
  assert.equal(
    (await ask("POST", path, { metadata: { name: "rc" }, spec: { template } })).status,
    201,
  );
  const { status } = await (await ask("GET", `${path}/rc/scale`)).json();
  assert.deepEqual(status, { replicas: 0, selector: "app=web" });
});

Deno.test("a template that is missing is one cause, and no fault of the server", async () => {
  const { ask } = await freshApi();
  const path = "/api/v1/namespaces/default/replicationcontrollers";
  const answer = await ask("POST", path, { metadata: { name: "rc" }, spec: {} });
  assert.equal(answer.status, 422);
  assert.equal((await answer.json()).details.causes[0].field, "spec.template");
});
