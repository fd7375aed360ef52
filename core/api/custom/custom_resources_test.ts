/** CustomResourceDefinitions and the objects of their kinds, through the API. */
import assert from "node:assert/strict";
import { type ApiFixture, freshApi } from "../api_fixture.ts";

const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const BOATS = "/apis/sea.example.com/v1/namespaces/default/boats";

// deno-lint-ignore no-explicit-any -- whatever the API answers
type Body = any;

const SCHEMA = {
  type: "object",
  properties: {
    spec: {
      type: "object",
      required: ["sail"],
      properties: {
        sail: { type: "string", maxLength: 5 },
        crew: { type: "integer", minimum: 1, default: 2 },
      },
    },
    status: { type: "object", properties: { knots: { type: "number" } } },
  },
};

function definition(version: object = {}, spec: object = {}) {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "boats.sea.example.com" },
    spec: {
      group: "sea.example.com",
      scope: "Namespaced",
      names: { plural: "boats", kind: "Boat", shortNames: ["bt"] },
      versions: [{
        name: "v1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: SCHEMA },
        subresources: { status: {} },
        ...version,
      }],
      ...spec,
    },
  };
}

function asking({ ask }: ApiFixture) {
  return async (method: string, path: string, body?: unknown, headers?: Record<string, string>) => {
    const answer = await ask(method, path, body, headers);
    const text = await answer.text();
    const json: Body = text.startsWith("{") ? JSON.parse(text) : text;
    return { status: answer.status, body: json, warning: answer.headers.get("warning") };
  };
}

Deno.test("a definition is established, and its kind served, before its POST is answered", async () => {
  const ask = asking(await freshApi());
  const { status, body } = await ask("POST", DEFINITIONS, definition());
  assert.equal(status, 201, JSON.stringify(body));
  assert.deepEqual(
    body.status.conditions.map((
      { type, status, reason }: Record<string, string>,
    ) => [type, status, reason]),
    [["NamesAccepted", "True", "NoConflicts"], ["Established", "True", "InitialNamesAccepted"]],
  );
  assert.deepEqual(body.status.storedVersions, ["v1"]);
  assert.deepEqual(body.status.acceptedNames, {
    plural: "boats",
    singular: "boat",
    shortNames: ["bt"],
    kind: "Boat",
    listKind: "BoatList",
  });
  const list = await ask("GET", BOATS);
  assert.deepEqual([list.status, list.body.kind], [200, "BoatList"]);
  const { body: { resources } } = await ask("GET", "/apis/sea.example.com/v1");
  assert.deepEqual(resources.map(({ name }: { name: string }) => name), ["boats", "boats/status"]);
});

Deno.test("objects are pruned, defaulted, and refused in the words of Kubernetes", async () => {
  const ask = asking(await freshApi());
  await ask("POST", DEFINITIONS, definition());
  const made = await ask("POST", BOATS, {
    metadata: { name: "a" },
    spec: { sail: "red", color: "blue" },
    status: { knots: 5 },
  });
  assert.equal(made.status, 201);
  assert.deepEqual(made.body.spec, { sail: "red", crew: 2 });
  assert.equal(made.body.status, undefined);
  assert.equal(made.body.metadata.generation, 1);
  assert.match(made.warning!, /unknown field \\"spec.color\\"/);
  const strict = await ask("POST", `${BOATS}?fieldValidation=Strict`, {
    metadata: { name: "b" },
    spec: { sail: "red", color: "blue" },
  });
  assert.equal(
    strict.body.message,
    'Boat in version "v1" cannot be handled as a Boat: strict decoding error: unknown field "spec.color"',
  );
  const bad = await ask("POST", BOATS, {
    metadata: { name: "c" },
    spec: { sail: "longer", crew: 0 },
  });
  assert.equal(
    bad.body.message,
    'Boat.sea.example.com "c" is invalid: [spec.sail: Too long: may not be more than 5 bytes, ' +
      "spec.crew: Invalid value: 0: spec.crew in body should be greater than or equal to 1]",
  );
});

Deno.test("a status is written by its own path, and does not count as a change", async () => {
  const ask = asking(await freshApi());
  await ask("POST", DEFINITIONS, definition());
  await ask("POST", BOATS, { metadata: { name: "a" }, spec: { sail: "red" } });
  const put = await ask("PUT", `${BOATS}/a/status`, {
    metadata: { name: "a" },
    spec: { sail: "blue" },
    status: { knots: 5.5 },
  });
  assert.equal(put.status, 200, JSON.stringify(put.body));
  assert.deepEqual([put.body.spec.sail, put.body.status.knots, put.body.metadata.generation], [
    "red",
    5.5,
    1,
  ]);
  const patched = await ask("PATCH", `${BOATS}/a`, { spec: { crew: 3 } }, {
    "content-type": "application/merge-patch+json",
  });
  assert.deepEqual([patched.body.metadata.generation, patched.body.status.knots], [2, 5.5]);
});
