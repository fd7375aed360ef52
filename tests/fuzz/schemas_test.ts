import assert from "node:assert/strict";
import fc from "fast-check";
import { check } from "../../core/schema/check.ts";
import { RESOURCES } from "../../core/resources/mod.ts";
import { type AnyResource, apiVersionOf, type KubeObject } from "../../core/resources/resource.ts";
import type { Schema } from "../../core/schema/schema.ts";
import { frozen, jsonValue, mutated, place } from "./json_values.ts";
import { property } from "./property.ts";
import { anySchema, brokenRule, FIELD_NAMES } from "./random_schemas.ts";
import { valueOf } from "./schema_values.ts";

/** What the words of a cause begin with, in Kubernetes. */
const CAUSE =
  /^(Required|Invalid|Unsupported|Duplicate) value|^Not found|^Forbidden|^Too (long|many|few)|^Internal error/;
const KINDS = new Map(RESOURCES.map((resource) => [resource.kind, resource]));
const NOW_MS = Date.parse("2026-01-01T00:00:00Z");

property("any value is refused with causes, or keeps every rule of its schema", {
  share: 12_000,
  of: fc.tuple(anySchema, jsonValue([...FIELD_NAMES, "unknown"])),
  holds: ([schema, value]) => void assertChecked(schema, value),
});

property("a value made for its schema is not refused, and is the same when it is checked again", {
  share: 3_000,
  of: anySchema.filter(hasValues).chain((schema) =>
    fc.record({ schema: fc.constant(schema), value: valueOf(schema) })
  ),
  holds({ schema, value }) {
    const checked = assertChecked(schema, value);
    if (!omitsEmpty(schema)) assert.deepEqual(checked.causes, []);
  },
});

property("any object of any kind passes through all that is said of its kind", {
  share: 5_000,
  of: objectOfAnyKind(),
  holds([kind, object]) {
    assert.deepEqual(assertChecked(KINDS.get(kind)!.schema, object).causes, []);
    assertServed(KINDS.get(kind)!, object);
  },
});

property(
  "an object of any kind with a value gone or replaced is refused with causes, or is served",
  {
    share: 7_000,
    of: fc.tuple(
      objectOfAnyKind(),
      place,
      fc.option(jsonValue(["name", "value"]), { nil: undefined }),
    ),
    holds([[kind, object], at, by]) {
      const resource = KINDS.get(kind)!;
      const changed = mutated(object, at, by);
      if (assertChecked(resource.schema, changed).causes.length === 0) {
        assertServed(resource, named(resource, changed));
      }
    },
  },
);

/** Kinds that hold pods have most of the rules. */
function objectOfAnyKind(): fc.Arbitrary<[kind: string, object: unknown]> {
  return fc.oneof(...RESOURCES.map((resource) => ({
    weight: ["Pod", "Deployment"].includes(resource.kind) ? 4 : 1,
    arbitrary: fc.tuple(
      fc.constant(resource.kind),
      valueOf(resource.schema).map((object) => named(resource, object)),
    ),
  })));
}

/** With what every stored object has. */
function named(resource: AnyResource, object: unknown): unknown {
  const { metadata } = object as { metadata?: object };
  return {
    ...object as object,
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    metadata: {
      ...metadata,
      name: "a",
      uid: "u",
      resourceVersion: "1",
      creationTimestamp: "2026-01-01T00:00:00Z",
      ...resource.namespaced && { namespace: "default" },
    },
  };
}

/** What must be so whatever the schema and the value are. */
function assertChecked(schema: Schema, value: unknown) {
  const checked = check(schema, JSON.parse(JSON.stringify(value)));
  assert.ok(checked.causes.length <= 100 && checked.unknown.length <= 100);
  for (const { field, message } of checked.causes) {
    assert.equal(typeof field, "string");
    assert.match(message, CAUSE);
    assert.ok(message.length < 4_000 + field.length, `a message of ${message.length} characters`);
  }
  if (checked.causes.length > 0) return checked;
  assert.equal(brokenRule(schema, checked.value), undefined);
  const stored = JSON.stringify(checked.value);
  const again = check(schema, JSON.parse(stored));
  assert.deepEqual(again, { value: JSON.parse(stored), causes: [], unknown: [] });
  return checked;
}

/** All that the API does with an object of which the schema has nothing to say. */
function assertServed(resource: AnyResource, value: unknown): void {
  const stored = frozen(
    check(resource.schema, JSON.parse(JSON.stringify(value))).value,
  ) as KubeObject;
  const object = frozen(resource.prepare(stored, undefined));
  const again = resource.prepare(object, object);
  assert.deepEqual(again, object, "it is prepared twice");
  for (const previous of [undefined, object]) {
    for (const { message } of resource.validate(object, previous)) assert.match(message, CAUSE);
    for (const warning of resource.warnings(object, previous)) {
      assert.equal(typeof warning, "string");
    }
  }
  for (const { value } of resource.columns) assert.notEqual(typeof value(object, NOW_MS), "object");
  for (const field of Object.values(resource.fields)) assert.equal(typeof field(object), "string");
  for (const index of Object.values(resource.indexes)) assert.ok(Array.isArray(index(object)));
  for (const { schema, fromStored, toStored } of resource.servedVersions) {
    const other = check(schema, JSON.parse(JSON.stringify(fromStored(object)))).value;
    assert.equal((toStored(other) as KubeObject).kind, resource.kind);
  }
  resource.graceSeconds?.(object);
}

/** Whether there is a value at all that fits: required fields that nobody knows cannot be set. */
function hasValues(schema: Schema): boolean {
  const known = schema.properties ?? {};
  return (schema.required ?? []).every((name) => Object.hasOwn(known, name)) &&
    [...Object.values(known), schema.items, schema.additionalProperties]
      .every((inner) => inner === undefined || hasValues(inner));
}

/** Then what was set may count as missing. */
function omitsEmpty(schema: Schema): boolean {
  return JSON.stringify(schema).includes("x-coracle-omit-empty");
}
