/** Values of custom resources, as a kube-apiserver 1.34 was seen to answer. */
import assert from "node:assert/strict";
import { type ApiFixture, freshApi } from "../api_fixture.ts";

const integer = { type: "integer" };
const text = { type: "string" };

const SPEC = {
  type: "object",
  required: ["must"],
  properties: {
    must: text,
    s: { type: "string", maxLength: 3, minLength: 1, pattern: "^[a-z]+$" },
    e: { type: "string", enum: ["A", "B"] },
    i: { type: "integer", minimum: 1, maximum: 5 },
    xi: { type: "integer", minimum: 1, exclusiveMinimum: true },
    m: { type: "integer", multipleOf: 2 },
    i32: { type: "integer", format: "int32" },
    b: { type: "boolean" },
    dt: { type: "string", format: "date-time" },
    d: { type: "string", format: "date" },
    dur: { type: "string", format: "duration" },
    uri: { type: "string", format: "uri" },
    em: { type: "string", format: "email" },
    ip: { type: "string", format: "ipv4" },
    uuid: { type: "string", format: "uuid" },
    by: { type: "string", format: "byte" },
    unk: { type: "string", format: "foo" },
    l: { type: "array", items: text, minItems: 1, maxItems: 2 },
    set: { type: "array", items: text, "x-kubernetes-list-type": "set" },
    lm: {
      type: "array",
      items: {
        type: "object",
        required: ["k"],
        properties: { k: text, v: { ...text, maxLength: 2 } },
      },
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["k"],
    },
    mp: { type: "object", additionalProperties: integer, minProperties: 1, maxProperties: 1 },
    ios: { "x-kubernetes-int-or-string": true },
    emb: {
      type: "object",
      "x-kubernetes-embedded-resource": true,
      "x-kubernetes-preserve-unknown-fields": true,
    },
    any: {
      type: "object",
      properties: { p: text, q: text },
      anyOf: [{ required: ["p"] }, { required: ["q"] }],
    },
    one: {
      type: "object",
      properties: { p: text, q: text },
      oneOf: [{ required: ["p"] }, { required: ["q"] }],
    },
    not: { type: "object", properties: { p: text }, not: { required: ["p"] } },
    nul: { type: "string", nullable: true },
    nuldef: { type: "string", nullable: true, default: "nd" },
    def: { type: "string", default: "dd" },
    obj: { type: "object", default: {}, properties: { x: { type: "integer", default: 7 } } },
    nodefobj: { type: "object", properties: { x: { type: "integer", default: 7 } } },
    cel: {
      type: "object",
      properties: { lo: integer, hi: integer, fr: integer },
      "x-kubernetes-validations": [
        { rule: "self.lo <= self.hi" },
        {
          rule: "!has(self.fr) || self.fr < 5",
          message: "fr too big",
          reason: "FieldValueForbidden",
          fieldPath: ".fr",
        },
        { rule: "!has(self.fr) || self.fr != 3", messageExpression: "'fr is 3'" },
      ],
    },
  },
};

const DEFINITION = {
  metadata: { name: "vals.t.dev" },
  spec: {
    group: "t.dev",
    scope: "Namespaced",
    names: { plural: "vals", kind: "Val" },
    versions: [{
      name: "v1",
      served: true,
      storage: true,
      schema: { openAPIV3Schema: { type: "object", properties: { spec: SPEC } } },
    }],
  },
};
const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const VALS = "/apis/t.dev/v1/namespaces/default/vals";

const NOT_CHECKED =
  "<nil>: Invalid value: null: some validation rules were not checked because the " +
  "object was invalid; correct the existing errors to complete validation";

// deno-lint-ignore no-explicit-any -- whatever the API answers
async function asked({ ask }: ApiFixture, ...request: Parameters<ApiFixture["ask"]>): Promise<any> {
  const answer = await ask(...request);
  return { ...await answer.json(), warning: answer.headers.get("warning") };
}

async function vals(): Promise<ApiFixture> {
  const api = await freshApi();
  const made = await asked(api, "POST", DEFINITIONS, DEFINITION);
  assert.equal(made.kind, "CustomResourceDefinition", made.message);
  assert.match(made.warning, /unrecognized format \\"foo\\"/);
  return api;
}

const blocked = (line: string) => `[${line}, ${NOT_CHECKED}]`;
const typed = (name: string, type: string, given: string) =>
  blocked(
    `spec.${name}: Invalid value: "${given}": spec.${name} in body must be of type ${type}: "${given}"`,
  );

/** What is sent beside `must`, and what is said. */
const REFUSED: [unknown, string][] = [
  [{ must: undefined }, blocked("spec.must: Required value")],
  [{ must: null }, blocked("spec.must: Required value")],
  [{ s: "abcd" }, blocked("spec.s: Too long: may not be more than 3 bytes")],
  [{ s: "" }, 'spec.s: Invalid value: "": spec.s in body should be at least 1 chars long'],
  [{ s: "A" }, "spec.s: Invalid value: \"A\": spec.s in body should match '^[a-z]+$'"],
  [{ e: "C" }, blocked('spec.e: Unsupported value: "C": supported values: "A", "B"')],
  [{ i: 0 }, "spec.i: Invalid value: 0: spec.i in body should be greater than or equal to 1"],
  [{ i: 6 }, "spec.i: Invalid value: 6: spec.i in body should be less than or equal to 5"],
  [{ xi: 1 }, "spec.xi: Invalid value: 1: spec.xi in body should be greater than 1"],
  [{ m: 3 }, "spec.m: Invalid value: 3: spec.m in body should be a multiple of 2"],
  [{ i: 1.5 }, typed("i", "integer", "number")],
  [{ s: 5 }, typed("s", "string", "integer")],
  [{ b: "x" }, typed("b", "boolean", "string")],
  [{ l: "x" }, typed("l", "array", "string")],
  [{ dt: "x" }, typed("dt", "date-time", "x")],
  [{ d: "2020-13-01" }, typed("d", "date", "2020-13-01")],
  [{ dur: "1x" }, typed("dur", "duration", "1x")],
  [{ uri: "::" }, typed("uri", "uri", "::")],
  [{ em: "x" }, typed("em", "email", "x")],
  [{ ip: "::1" }, typed("ip", "ipv4", "::1")],
  [{ uuid: "x" }, typed("uuid", "uuid", "x")],
  [{ by: "***" }, typed("by", "byte", "***")],
  [{ l: ["a", "b", "c"] }, blocked("spec.l: Too many: 3: must have at most 2 items")],
  [{ l: [] }, "spec.l: Invalid value: 0: spec.l in body should have at least 1 items"],
  [{ set: ["a", "a"] }, 'spec.set[1]: Duplicate value: "a"'],
  [{ lm: [{ k: "a" }, { k: "a" }] }, 'spec.lm[1]: Duplicate value: {"k":"a"}'],
  [{ mp: { a: 1, b: 2 } }, blocked("spec.mp: Too many: 2: must have at most 1 item")],
  [{ mp: {} }, "spec.mp: Invalid value: 0: spec.mp in body should have at least 1 properties"],
  [{ mp: { a: "x" } }, typed("mp.a", "integer", "string")],
  [{ ios: true }, typed("ios", "integer,string", "boolean")],
  [
    { emb: {} },
    `[spec.emb.apiVersion: Required value, spec.emb.kind: Required value, ${NOT_CHECKED}]`,
  ],
  [
    { any: {} },
    `[<nil>: Invalid value: "": "spec.any" must validate at least one schema (anyOf), ` +
    `spec.any.p: Required value, ${NOT_CHECKED}]`,
  ],
  [
    { one: {} },
    `[<nil>: Invalid value: "": "spec.one" must validate one and only one schema (oneOf). ` +
    `Found none valid, spec.one.p: Required value, ${NOT_CHECKED}]`,
  ],
  [
    { one: { p: "a", q: "b" } },
    '<nil>: Invalid value: "": "spec.one" must validate one and only one schema (oneOf). Found 2 valid alternatives',
  ],
  [{ not: { p: "a" } }, '<nil>: Invalid value: "": "spec.not" must not validate the schema (not)'],
  [{ cel: { lo: 2, hi: 1 } }, 'spec.cel: Invalid value: "object": failed rule: self.lo <= self.hi'],
  [{ cel: { lo: 1, hi: 2, fr: 9 } }, "spec.cel.fr: Forbidden: fr too big"],
  [{ cel: { lo: 1, hi: 2, fr: 3 } }, 'spec.cel: Invalid value: "object": fr is 3'],
  [
    { cel: { lo: 1 } },
    'spec.cel: Invalid value: "object": no such key: hi evaluating rule: self.lo <= self.hi',
  ],
];

Deno.test("what is wrong with a value is said in the words of Kubernetes", async () => {
  const api = await vals();
  for (const [given, line] of REFUSED) {
    const { message } = await asked(api, "POST", VALS, {
      metadata: { name: "v" },
      spec: { must: "x", ...given as object },
    });
    assert.equal(message, `Val.t.dev "v" is invalid: ${line}`, JSON.stringify(given));
  }
});

Deno.test("what Kubernetes takes is taken, and defaults go where it puts them", async () => {
  const api = await vals();
  const defaults = { must: "x", nuldef: "nd", def: "dd", obj: { x: 7 } };
  const rows: [object, object][] = [
    [{}, defaults],
    [{ i32: 2 ** 40 }, { ...defaults, i32: 2 ** 40 }],
    [{ i: 2.0 }, { ...defaults, i: 2 }],
    [{ unk: "x" }, { ...defaults, unk: "x" }],
    [{ ios: null, s: null }, defaults],
    [{ nul: null, nuldef: null }, { ...defaults, nul: null, nuldef: null }],
    [{ def: null, nodefobj: {} }, { ...defaults, nodefobj: { x: 7 } }],
  ];
  for (const [i, [given, stored]] of rows.entries()) {
    const { spec } = await asked(api, "POST", VALS, {
      metadata: { name: `v${i}` },
      spec: { must: "x", ...given },
    });
    assert.deepEqual(spec, stored, JSON.stringify(given));
  }
  const bare = await asked(api, "POST", VALS, { metadata: { name: "bare" } });
  assert.equal(bare.spec, undefined);
});

Deno.test("metadata that cannot be read is a bad request, also in an object within the object", async () => {
  const api = await vals();
  const prefix = 'Val in version "v1" cannot be handled as a Val: ';
  const unreadable =
    "json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string";
  const own = await asked(api, "POST", VALS, { metadata: { name: "v", labels: { a: 1 } } });
  assert.deepEqual([own.code, own.message], [400, prefix + unreadable]);
  const emb = { apiVersion: "v1", kind: "Pod", metadata: { labels: { a: 1 } } };
  const inner = await asked(api, "POST", VALS, {
    metadata: { name: "v" },
    spec: { must: "x", emb },
  });
  assert.deepEqual([inner.code, inner.message], [
    400,
    `${prefix}spec.emb.metadata: Invalid value: {"labels":{"a":1}}: ${unreadable}`,
  ]);
});

Deno.test("what was wrong before may stay so where it does not change", async () => {
  const api = await vals();
  const bad = { must: "x", cel: { lo: 2, hi: 2 }, s: "abc", lm: [{ k: "a", v: "12" }] };
  await asked(api, "POST", VALS, { metadata: { name: "v" }, spec: bad });
  const stricter = structuredClone(DEFINITION) as typeof DEFINITION;
  const { properties } = stricter.spec.versions[0]!.schema.openAPIV3Schema.properties.spec;
  properties.s.maxLength = 2;
  properties.lm.items.properties.v.maxLength = 1;
  properties.cel["x-kubernetes-validations"][0]!.rule = "self.lo < self.hi";
  assert.equal((await asked(api, "PUT", `${DEFINITIONS}/vals.t.dev`, stricter)).code, undefined);
  const merge = (spec: unknown) =>
    asked(api, "PATCH", `${VALS}/v`, { spec }, { "content-type": "application/merge-patch+json" });
  const other = await merge({ b: true });
  assert.equal(other.code, undefined, other.message);
  assert.match(other.warning, /spec.cel: Invalid value: .*failed rule: self.lo < self.hi/);
  const item = await merge({ lm: [{ k: "b", v: "1" }, { k: "a", v: "12" }] });
  assert.equal(item.code, undefined, item.message);
  assert.match(
    (await merge({ s: "abd" })).message,
    /spec.s: Too long: may not be more than 2 bytes/,
  );
  assert.match((await merge({ cel: { fr: 1 } })).message, /failed rule: self.lo < self.hi/);
});
