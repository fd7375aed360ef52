/** CustomResourceDefinitions and the objects of their kinds, through the API. */
import assert from "node:assert/strict";
import { MemoryDisk } from "../../store/memory_journal.ts";
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
  const { body: { metadata } } = await ask("POST", BOATS, {
    metadata: { name: "a" },
    spec: { sail: "red" },
  });
  const put = await ask("PUT", `${BOATS}/a/status`, {
    metadata,
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

const MERGE = { "content-type": "application/merge-patch+json" };

Deno.test("versions show the same object; the preferred one comes first, and old ones warn", async () => {
  const ask = asking(await freshApi());
  const versions = ["v1beta1", "v1", "v2"].map((name) => ({
    name,
    served: true,
    storage: name === "v1",
    ...(name === "v1beta1" && { deprecated: true }),
    schema: { openAPIV3Schema: SCHEMA },
  }));
  await ask("POST", DEFINITIONS, definition({}, { versions }));
  const { body: group } = await ask("GET", "/apis/sea.example.com");
  assert.deepEqual(group.versions.map(({ version }: Body) => version), ["v2", "v1", "v1beta1"]);
  await ask("POST", BOATS.replace("v1", "v2"), { metadata: { name: "a" }, spec: { sail: "red" } });
  for (const version of ["v1", "v2", "v1beta1"]) {
    const path = BOATS.replace("v1", version);
    const { body, warning } = await ask("GET", `${path}/a`);
    assert.deepEqual([body.apiVersion, body.spec.crew], [`sea.example.com/${version}`, 2]);
    assert.equal(
      warning,
      version === "v1beta1"
        ? '299 - "sea.example.com/v1beta1 Boat is deprecated; use sea.example.com/v2 Boat"'
        : null,
    );
    const crew = version.length;
    const patched = await ask("PATCH", `${path}/a`, { spec: { crew } }, MERGE);
    assert.deepEqual([patched.body.apiVersion, patched.body.spec.crew], [body.apiVersion, crew]);
    await ask("PATCH", `${path}/a`, { spec: { crew: 2 } }, MERGE);
  }
  const stored = versions.map((version) => ({ ...version, storage: version.name === "v2" }));
  const moved = await ask("PATCH", `${DEFINITIONS}/boats.sea.example.com`, {
    spec: { versions: stored },
  }, MERGE);
  assert.deepEqual(moved.body.status.storedVersions, ["v1", "v2"]);
  assert.equal((await ask("GET", `${BOATS}/a`)).body.apiVersion, "sea.example.com/v1");
  const dropped = await ask("PATCH", `${DEFINITIONS}/boats.sea.example.com`, {
    spec: { versions: stored.slice(2) },
  }, MERGE);
  assert.match(
    dropped.body.message,
    /status.storedVersions\[0\]: Invalid value: "v1": missing from/,
  );
});

Deno.test("defaults that come later are seen in what is stored already", async () => {
  const ask = asking(await freshApi());
  await ask("POST", DEFINITIONS, definition());
  await ask("POST", BOATS, { metadata: { name: "a" }, spec: { sail: "red" } });
  const next = structuredClone(SCHEMA) as Body;
  next.properties.spec.properties.flag = { type: "string", default: "jolly" };
  delete next.properties.spec.properties.crew;
  const put = await ask("PATCH", `${DEFINITIONS}/boats.sea.example.com`, {
    spec: definition({ schema: { openAPIV3Schema: next } }).spec,
  }, MERGE);
  assert.equal(put.status, 200, put.body.message);
  const wanted = { sail: "red", flag: "jolly" };
  assert.deepEqual((await ask("GET", `${BOATS}/a`)).body.spec, wanted);
  assert.deepEqual((await ask("GET", BOATS)).body.items[0].spec, wanted);
});

Deno.test("columns, field selectors and the scale follow the paths of the definition", async () => {
  const ask = asking(await freshApi());
  await ask(
    "POST",
    DEFINITIONS,
    definition({
      subresources: {
        status: {},
        scale: { specReplicasPath: ".spec.crew", statusReplicasPath: ".status.knots" },
      },
      additionalPrinterColumns: [
        { name: "Sail", type: "string", jsonPath: ".spec.sail" },
        { name: "Crew", type: "integer", jsonPath: ".spec.crew" },
        { name: "None", type: "integer", jsonPath: ".spec.sail" },
      ],
      selectableFields: [{ jsonPath: ".spec.crew" }],
    }),
  );
  await ask("POST", BOATS, { metadata: { name: "a" }, spec: { sail: "red" } });
  const table = await ask("GET", BOATS, undefined, {
    accept: "application/json;as=Table;v=v1;g=meta.k8s.io",
  });
  assert.deepEqual(table.body.rows[0].cells, ["a", "red", 2, null]);
  const names = async (selector: string) => {
    const { body } = await ask("GET", `${BOATS}?fieldSelector=${selector}`);
    return body.items?.length ?? body.message;
  };
  assert.deepEqual([await names("spec.crew=2"), await names("spec.crew=3")], [1, 0]);
  assert.equal(await names("spec.sail=red"), "field label not supported: spec.sail");
  const scaled = await ask("PATCH", `${BOATS}/a/scale`, { spec: { replicas: 9 } }, MERGE);
  assert.deepEqual([scaled.body.kind, scaled.body.spec.replicas], ["Scale", 9]);
  assert.equal((await ask("GET", `${BOATS}/a`)).body.spec.crew, 9);
  const strategic = { "content-type": "application/strategic-merge-patch+json" };
  assert.equal((await ask("PATCH", `${BOATS}/a`, {}, strategic)).status, 415);
});

Deno.test("a definition whose names are taken is not established, and its kind is not there", async () => {
  const ask = asking(await freshApi());
  await ask("POST", DEFINITIONS, definition());
  const other = definition({}, { names: { plural: "ships", kind: "Ship", shortNames: ["bt"] } });
  other.metadata.name = "ships.sea.example.com";
  const { body } = await ask("POST", DEFINITIONS, other);
  assert.deepEqual(
    body.status.conditions.map(({ type, status, reason, message }: Body) =>
      [type, status, reason, message].join()
    ),
    [
      'NamesAccepted,False,ShortNamesConflict,"bt" is already in use',
      "Established,False,NotAccepted,not all names are accepted",
    ],
  );
  assert.equal((await ask("GET", BOATS.replace("boats", "ships"))).status, 404);
});

Deno.test("a definition that is deleted waits for its objects, and none are created meanwhile", async () => {
  const ask = asking(await freshApi());
  await ask("POST", DEFINITIONS, definition());
  const { body } = await ask("DELETE", `${DEFINITIONS}/boats.sea.example.com`);
  assert.deepEqual(body.metadata.finalizers, ["customresourcecleanup.apiextensions.k8s.io"]);
  assert.deepEqual(body.status.conditions.at(-1).reason, "InstanceDeletionPending");
  const refused = await ask("POST", BOATS, { metadata: { name: "a" }, spec: { sail: "red" } });
  assert.equal(
    refused.body.message,
    'boats.sea.example.com "a" is forbidden: create not allowed while custom resource definition is terminating',
  );
  const freed = await ask("PATCH", `${DEFINITIONS}/boats.sea.example.com`, {
    metadata: { finalizers: null },
  }, MERGE);
  assert.equal(freed.status, 200);
  assert.equal((await ask("GET", BOATS)).status, 404);
});

Deno.test("after a restart the kinds are there before anything is asked", async () => {
  const disk = new MemoryDisk();
  const before = asking(await freshApi({ disk }));
  await before("POST", DEFINITIONS, definition());
  await before("POST", BOATS, { metadata: { name: "a" }, spec: { sail: "red" } });
  const after = asking(await freshApi({ disk }));
  assert.equal((await after("GET", `${BOATS}/a`)).body.spec.sail, "red");
});
