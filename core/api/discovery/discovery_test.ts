import assert from "node:assert/strict";
import { freshApi } from "../api_fixture.ts";

const V2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const V2_BETA = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";

Deno.test("aggregated discovery comes in the version that is asked for first, and says which", async () => {
  const { ask } = await freshApi();
  const table: [string, string, string][] = [
    [`${V2},${V2_BETA},application/json`, V2, "APIGroupDiscoveryList"],
    [`${V2_BETA},application/json`, V2_BETA, "APIGroupDiscoveryList"],
    ["application/json", "application/json", "APIGroupList"],
    ["*/*", "application/json", "APIGroupList"],
  ];
  for (const [accept, contentType, kind] of table) {
    const answer = await ask("GET", "/apis", undefined, { accept });
    assert.deepEqual([answer.headers.get("content-type"), (await answer.json()).kind], [
      contentType,
      kind,
    ]);
  }
});

Deno.test("both forms of discovery name the same resources with the same verbs", async () => {
  const { ask } = await freshApi();
  const aggregated = [];
  for (const path of ["/api", "/apis"]) {
    aggregated.push(...(await (await ask("GET", path, undefined, { accept: V2 })).json()).items);
  }
  for (const { metadata: { name: group = "" }, versions } of aggregated) {
    for (const { version, resources } of versions) {
      const path = group ? `/apis/${group}/${version}` : `/api/${version}`;
      const list = await (await ask("GET", path)).json();
      const plain = list.resources.map(({ name, verbs }: { name: string; verbs: string[] }) =>
        `${name} ${verbs}`
      );
      // deno-lint-ignore no-explicit-any
      const flat = resources.flatMap(({ resource, verbs, subresources = [] }: any) => [
        `${resource} ${verbs}`,
        // deno-lint-ignore no-explicit-any
        ...subresources.map((one: any) => `${resource}/${one.subresource} ${one.verbs}`),
      ]);
      assert.deepEqual(plain, flat, path);
    }
  }
  assert.equal((await ask("GET", "/apis/none")).status, 404);
  assert.equal((await ask("GET", "/api/v2")).status, 404);
});

Deno.test("OpenAPI v3 names each kind, and PATCH says that it knows fieldValidation", async () => {
  const { ask } = await freshApi();
  const { paths } = await (await ask("GET", "/openapi/v3")).json();
  const { serverRelativeURL } = paths["apis/apps/v1"];
  const document = await (await ask("GET", serverRelativeURL)).json();
  const patch = document.paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"].patch;
  assert.deepEqual(patch["x-kubernetes-group-version-kind"], {
    group: "apps",
    version: "v1",
    kind: "Deployment",
  });
  assert.ok(patch.parameters.some(({ name }: { name: string }) => name === "fieldValidation"));
  const { schemas } = document.components;
  assert.ok(schemas["io.k8s.api.apps.v1.Deployment"] && schemas["io.k8s.api.core.v1.Container"]);
  const { containers } = schemas["io.k8s.api.core.v1.PodSpec"].properties;
  assert.equal(containers["x-kubernetes-patch-merge-key"], "name");
  assert.equal(containers.items.allOf[0].$ref, "#/components/schemas/io.k8s.api.core.v1.Container");
  assert.doesNotMatch(JSON.stringify(document), /x-coracle/);
});

Deno.test("every reference in every OpenAPI document leads to a component with content", async () => {
  const { ask } = await freshApi();
  const { paths } = await (await ask("GET", "/openapi/v3")).json();
  for (const path of Object.keys(paths)) {
    const text = await (await ask("GET", `/openapi/v3/${path}`)).text();
    const { components: { schemas } } = JSON.parse(text);
    for (const [, name] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      assert.ok(Object.keys(schemas[name!] ?? {}).length > 0, `${path}: ${name}`);
    }
  }
});

Deno.test("OpenAPI v2 describes all kinds in one document, and every reference leads somewhere", async () => {
  const { ask } = await freshApi();
  const answer = await ask("GET", "/openapi/v2");
  const text = await answer.text();
  const { swagger, definitions, paths } = JSON.parse(text);
  assert.equal(swagger, "2.0");
  assert.ok(definitions["io.k8s.api.apps.v1.Deployment"] && paths["/api/v1/nodes/{name}"]);
  for (const [, name] of text.matchAll(/"#\/definitions\/([^"]+)"/g)) {
    assert.ok(definitions[name!], `${name}`);
  }
  assert.equal(/#\/components|x-coracle|"allOf":\[/.exec(text), null);
  const headers = { "if-none-match": answer.headers.get("etag")! };
  assert.equal((await ask("GET", "/openapi/v2", undefined, headers)).status, 304);
});

Deno.test("OpenAPI v2 is also there in protobuf, under the one content type that Go can read", async () => {
  const { ask } = await freshApi();
  const accept = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
  const answer = await ask("GET", "/openapi/v2", undefined, { accept });
  assert.equal(
    answer.headers.get("content-type"),
    "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
  );
  const text = new TextDecoder("latin1").decode(await answer.arrayBuffer());
  assert.ok(text.startsWith("\n\u00032.0"), "the field `swagger`");
  for (
    const name of ["io.k8s.api.apps.v1.Deployment", "#/definitions/io.k8s.api.core.v1.PodSpec"]
  ) {
    assert.ok(text.includes(name), name);
  }
  const headers = { accept, "if-none-match": answer.headers.get("etag")! };
  assert.equal((await ask("GET", "/openapi/v2", undefined, headers)).status, 304);
});

Deno.test("/version speaks of the Kubernetes release whose API is served", async () => {
  const { ask } = await freshApi();
  const { major, minor, gitVersion } = await (await ask("GET", "/version")).json();
  assert.deepEqual([major, minor], ["1", "34"]);
  assert.match(gitVersion, /^v1\.34\.\d+\+coracle/);
});

Deno.test("health can be asked in detail", async () => {
  const { ask } = await freshApi();
  assert.equal(await (await ask("GET", "/readyz")).text(), "ok");
  assert.equal(
    await (await ask("GET", "/readyz?verbose")).text(),
    "[+]ping ok\nreadyz check passed\n",
  );
  assert.equal((await ask("GET", "/livez/none")).status, 404);
});

Deno.test("oneself is told who one is and that one may", async () => {
  const { ask } = await freshApi();
  const who = await ask("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {});
  assert.deepEqual([who.status, (await who.json()).status.userInfo.username], [201, "admin"]);
  const may = await ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {
    spec: { resourceAttributes: { verb: "get", resource: "pods" } },
  });
  assert.equal((await may.json()).status.allowed, true);
});
