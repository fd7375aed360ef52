import assert from "node:assert/strict";
import { freshApi } from "../api_fixture.ts";

const MAPS = "/api/v1/namespaces/default/configmaps";
const TEXT =
  '{"kind":"ConfigMap","metadata":{"name":"a","foo":1,"name":"b","labels":{"a":"1","a":"2"}},' +
  '"data":{"k":"1","k":"2"},"zeta":1,"alpha":{},"zeta":2}';
const FAULTS = [
  'unknown field "metadata.foo"',
  'duplicate field "metadata.name"',
  'duplicate field "metadata.labels.a"',
  'duplicate field "data.k"',
  'unknown field "zeta"',
  'unknown field "alpha"',
];

Deno.test("what is wrong with a text is told in its order, once each, however strict", async () => {
  const { ask } = await freshApi();
  const headers = { "content-type": "application/json" };
  const strict = await ask("POST", `${MAPS}?fieldValidation=Strict`, TEXT, headers);
  assert.deepEqual([strict.status, (await strict.json()).message], [
    400,
    `ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: ${
      FAULTS.join(", ")
    }`,
  ]);
  const warned = await ask("POST", MAPS, TEXT, headers);
  assert.equal(warned.status, 201);
  const texts = FAULTS.map((text) => `299 - "${text.replaceAll('"', '\\"')}"`);
  assert.equal(warned.headers.get("warning"), texts.join(", "));
  const ignored = await ask("PUT", `${MAPS}/b?fieldValidation=Ignore`, TEXT, headers);
  assert.deepEqual([ignored.status, ignored.headers.get("warning")], [200, null]);
  const again = await ask("PUT", `${MAPS}/b?fieldValidation=Strict`, TEXT, headers);
  assert.equal(again.status, 400);
});

for (
  const [type, text, faults, shown] of [
    ["merge-patch", '{"nope":2,"data":{"x":"1","x":"2"}}', [
      'duplicate field "data.x"',
      'unknown field "nope"',
    ], '\\"nope\\":2,'],
    ["strategic-merge-patch", '{"nope":2,"data":{"x":"1","x":"2"}}', [
      'duplicate field "data.x"',
      'unknown field "nope"',
    ], 'Invalid value: "map[data:map[x:2] nope:2]"'],
    ["json-patch", '[{"op":"add","path":"/nope","value":2,"foo":1}]', [
      'json patch unknown field "[0].foo"',
      'unknown field "nope"',
    ], '\\"nope\\":2}"'],
  ] as const
) {
  Deno.test(`a ${type} with faults is refused as a patch, or warned of`, async () => {
    const { ask } = await freshApi();
    await ask("POST", MAPS, { metadata: { name: "p" } });
    const headers = { "content-type": `application/${type}+json` };
    const strict = await ask("PATCH", `${MAPS}/p?fieldValidation=Strict`, text, headers);
    const { message, reason, details } = await strict.json();
    assert.deepEqual([strict.status, reason], [422, "Invalid"]);
    assert.ok(message.startsWith(' "" is invalid: patch: Invalid value: "'), message);
    assert.ok(message.includes(shown), message);
    assert.ok(message.endsWith(`: strict decoding error: ${faults.join(", ")}`), message);
    assert.deepEqual(details.causes.map(({ field }: { field: string }) => field), ["patch"]);
    const warned = await ask("PATCH", `${MAPS}/p`, text, headers);
    assert.equal(warned.status, 200);
    const texts = faults.map((text) => `299 - "${text.replaceAll('"', '\\"')}"`);
    assert.equal(warned.headers.get("warning"), texts.join(", "));
  });
}

for (
  const [type, body, code, message] of [
    [
      "json-patch",
      [{ op: "test", path: "/data/a", value: "z" }],
      422,
      "the server rejected our request due to an error in our request",
    ],
    [
      "json-patch",
      [{ op: "bad", path: "/data" }],
      422,
      "the server rejected our request due to an error in our request",
    ],
    [
      "json-patch",
      { op: "test" },
      400,
      "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp",
    ],
    [
      "merge-patch",
      [1],
      400,
      "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}",
    ],
  ] as const
) {
  Deno.test(`a ${type} of ${JSON.stringify(body)} is answered with ${code}`, async () => {
    const { ask } = await freshApi();
    await ask("POST", MAPS, { metadata: { name: "p" }, data: { a: "b" } });
    const headers = { "content-type": `application/${type}+json` };
    const answer = await ask("PATCH", `${MAPS}/p`, body, headers);
    assert.deepEqual([answer.status, (await answer.json()).message], [code, message]);
  });
}

Deno.test("an object of another kind is refused by the names of Go's types", async () => {
  const { ask } = await freshApi();
  const answer = await ask("POST", MAPS, { kind: "Secret", apiVersion: "v1" });
  assert.equal(
    (await answer.json()).message,
    'Secret in version "v1" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): unknown conversion',
  );
});

Deno.test("a way to check fields that there is not is refused with those that there are", async () => {
  const { ask } = await freshApi();
  const answer = await ask("POST", `${MAPS}?fieldValidation=x`, { metadata: { name: "a" } });
  assert.equal(
    (await answer.json()).message,
    'CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "x": supported values: "", "Ignore", "Strict", "Warn"',
  );
});

const YAML =
  "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  name: b\n  foo: 1\ndata:\n  a: b\n  a: c\nfoo: x\n";

Deno.test("a key that is twice in YAML is told by its line, before unknown fields", async () => {
  const { ask } = await freshApi();
  const headers = { "content-type": "application/yaml" };
  const strict = await ask("POST", `${MAPS}?fieldValidation=Strict`, YAML, headers);
  assert.equal(
    (await strict.json()).message,
    'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: ' +
      'yaml: unmarshal errors:\n  line 5: key "name" already set in map\n' +
      '  line 9: key "a" already set in map, unknown field "foo", unknown field "metadata.foo"',
  );
  const warned = await ask("POST", MAPS, YAML, headers);
  const { data, metadata } = await warned.json();
  assert.deepEqual([warned.status, metadata.name, data], [201, "b", { a: "c" }]);
  assert.equal(
    warned.headers.get("warning")?.split(", ")[0],
    '299 - "line 5: key \\"name\\" already set in map"',
  );
});

Deno.test("a key that is twice in a server-side apply is told by its line", async () => {
  const { ask } = await freshApi();
  const text = YAML.replace("  foo: 1\n", "").replace("foo: x\n", "").replace("  name: a\n", "");
  const headers = { "content-type": "application/apply-patch+yaml" };
  const path = `${MAPS}/b?fieldManager=lab&fieldValidation=Strict`;
  const strict = await ask("PATCH", path, text, headers);
  assert.equal(strict.status, 400);
  assert.match((await strict.json()).message, /line 7: key "a" already set in map/);
});
