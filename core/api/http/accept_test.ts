import assert from "node:assert/strict";
import { runAtOnce } from "../../lib/steps.ts";
import { objectFromYaml } from "../../manifest/manifest.ts";
import { freshApi } from "../api_fixture.ts";

const MAPS = "/api/v1/namespaces/default/configmaps";
const ALL = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
/** JSON is YAML, too. */
async function objectOf(answer: Response): Promise<Record<string, unknown>> {
  return runAtOnce(objectFromYaml(await answer.text()));
}
const META = "v=v1;g=meta.k8s.io";

Deno.test("an Accept header chooses the form of an answer, or is refused as Kubernetes refuses it", async () => {
  const { ask } = await freshApi();
  await ask("POST", MAPS, { metadata: { name: "p" }, data: { a: "1" } });
  const unknown = `406: Not Acceptable\n\nAvailable representations: ${ALL}`;
  const only = `only the following media types are accepted: ${ALL}`;
  const written = "only the following media types are accepted: application/json, application/yaml";
  const stream = "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";
  const shape = "but the requested object is";
  for (
    const [path, accept, answer] of [
      [`${MAPS}/p`, "application/xml", unknown],
      [`${MAPS}/p`, "application/*", unknown],
      [`${MAPS}/nope`, "text/html", unknown],
      ["/api", "text/html", unknown],
      ["/api/v1", "text/html", unknown],
      ["/apis", "text/html", only],
      ["/apis/apps/v1", "text/html", only],
      ["/apis", "application/*", "APIGroupList"],
      ["/api/v1", `application/json;as=Table;${META}`, only],
      [MAPS, "text/html", `${unknown}, ${stream}`],
      [`${MAPS}?watch=1`, "application/yaml", only.replace(ALL, stream)],
      [`${MAPS}/p`, "application/vnd.kubernetes.protobuf", written],
      [`${MAPS}/p`, "application/vnd.kubernetes.protobuf,application/json", "ConfigMap"],
      [`${MAPS}/p`, "application/json;as=Table;v=v9;g=meta.k8s.io", only],
      [`${MAPS}/p`, "application/json;as=Table;v=v9;g=meta.k8s.io,*/*", "ConfigMap"],
      [`${MAPS}/p`, "application/json;q=0", "ConfigMap"],
      [`${MAPS}/p`, `application/json;as=Table;${META}`, "Table"],
      [
        MAPS,
        `application/json;as=PartialObjectMetadata;${META}`,
        `you requested PartialObjectMetadata, ${shape} a list (*core.ConfigMapList)`,
      ],
      [
        `${MAPS}/p`,
        `application/json;as=PartialObjectMetadataList;${META}`,
        `you requested PartialObjectMetadataList, ${shape} not a list (*core.ConfigMap)`,
      ],
      ["/version", "text/html", unknown.replace(ALL, "application/json")],
      ["/version", `application/json;as=Table;${META}`, undefined],
    ] as const
  ) {
    const response = await ask("GET", path, undefined, { accept });
    const { kind, message } = await objectOf(response);
    assert.equal(message ?? kind, answer, `${path} ${accept}`);
    assert.equal(response.status, message ? 406 : 200);
  }
});

Deno.test("what nothing could be answered to is not done", async () => {
  const { ask } = await freshApi();
  for (const accept of ["text/html", "application/vnd.kubernetes.protobuf"]) {
    const refused = await ask("POST", MAPS, { metadata: { name: "x" } }, { accept });
    assert.equal(refused.status, 406);
    await refused.body?.cancel();
  }
  assert.equal((await ask("GET", `${MAPS}/x`)).status, 404);
  const accept = `application/json;as=Table;${META}`;
  const table = await ask("POST", MAPS, { metadata: { name: "x" } }, { accept });
  assert.equal(table.status, 201);
  const { kind, rows } = await table.json();
  assert.deepEqual([kind, rows.length], ["Table", 1]);
});

Deno.test("YAML is answered where JSON would be: objects, lists, tables, errors, discovery", async () => {
  const { ask } = await freshApi();
  for (let count = 0; count < 3; count++) {
    await ask("POST", MAPS, { metadata: { name: `m${count}` }, data: { n: "1", m: "a\nb\n" } });
  }
  for (
    const [path, parameters] of [
      [`${MAPS}/m0`, ""],
      [`${MAPS}/m0`, `;as=Table;${META}`],
      [MAPS, ""],
      [MAPS, `;as=Table;${META}`],
      [MAPS, `;as=PartialObjectMetadataList;${META}`],
      ["/api/v1/namespaces/kube-public/secrets", ""],
      [`${MAPS}/nope`, ""],
      ["/api", ""],
      ["/apis", ""],
      ["/apis/apps/v1", ""],
    ]
  ) {
    const yaml = await ask("GET", path!, undefined, { accept: `application/yaml${parameters}` });
    const json = await ask("GET", path!, undefined, { accept: `application/json${parameters}` });
    assert.equal(yaml.headers.get("content-type"), "application/yaml");
    assert.equal(yaml.status, json.status);
    assert.deepEqual(await objectOf(yaml), await json.json(), path!);
  }
  const accept = "application/yaml;q=0.5,application/json;q=0.9";
  const preferred = await ask("GET", `${MAPS}/m0`, undefined, { accept });
  assert.equal(preferred.headers.get("content-type"), "application/json");
});

Deno.test("the first event of a watch for tables has the columns, and its bookmark one row", async () => {
  const { ask } = await freshApi();
  const initial =
    "watch=1&timeoutSeconds=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
  for (
    const [namespace, columns, types] of [
      ["default", [3, null], ["ADDED", "BOOKMARK"]],
      ["kube-public", [3], ["BOOKMARK"]],
    ] as const
  ) {
    await ask("POST", MAPS, { metadata: { name: "p" } });
    const path = `${MAPS.replace("default", namespace)}?${initial}&includeObject=None`;
    const answer = await ask("GET", path, undefined, {
      accept: `application/json;as=Table;${META}`,
    });
    const lines = await firstLines(answer, types.length);
    assert.deepEqual(lines.map(({ type }) => type), types);
    assert.deepEqual(
      lines.map(({ object }) => object.columnDefinitions?.length ?? null),
      columns,
    );
    const [{ cells, object }] = lines.at(-1).object.rows;
    assert.deepEqual(cells, ["", 0, "<unknown>"]);
    assert.equal(object.kind, "PartialObjectMetadata");
    assert.deepEqual(object.metadata.annotations, { "k8s.io/initial-events-end": "true" });
    if (types.length > 1) assert.equal(lines[0].object.rows[0].object, null);
  }
});

// deno-lint-ignore no-explicit-any
async function firstLines(answer: Response, count: number): Promise<any[]> {
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (text.split("\n").length <= count) text += (await reader.read()).value ?? "";
  await reader.cancel();
  return text.split("\n").slice(0, count).map((line) => JSON.parse(line));
}
