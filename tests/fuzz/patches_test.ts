import assert from "node:assert/strict";
import fc from "fast-check";
import { applyPatch, createPatch } from "rfc6902";
import { ApiError } from "../../core/client/api_error.ts";
import { cloneJson, isJsonObject } from "../../core/lib/json/json_value.ts";
import { jsonPatch } from "../../core/objects/patch/json_patch.ts";
import { mergePatch } from "../../core/objects/patch/merge_patch.ts";
import { strategicMergePatch } from "../../core/objects/patch/strategic_merge_patch.ts";
import { deployments } from "../../core/resources/apps/deployments.ts";
import { pods } from "../../core/resources/core/pods/pods.ts";
import { frozen, hostileText, jsonValue, mutated, place } from "./json_values.ts";
import { property } from "./property.ts";
import { valueOf } from "./schema_values.ts";

const NAMES = ["a", "b", "c", "name"];
/** Object.prototype must stay unchanged. */
const SHARED = Object.getOwnPropertyNames(Object.prototype).length;

const document = jsonValue(NAMES);

/** Parsed JSON, in which `__proto__` is a field like any other: what a patch must not make more of. */
const loaded = fc.tuple(
  document,
  fc.constantFrom("__proto__", "constructor", "prototype"),
  document,
).map(
  ([value, name, inner]) =>
    JSON.parse(
      `{"a":${JSON.stringify(value)},${JSON.stringify(name)}:{"polluted":${
        JSON.stringify(inner)
      }}}`,
    ) as unknown,
);

property("a merge patch is applied as RFC 7386 has it", {
  share: 3_000,
  of: fc.tuple(document, document),
  holds([target, patch]) {
    const got = mergePatch(frozen(cloneJson(target)), frozen(cloneJson(patch)));
    assert.deepEqual(got, modelOfMerge(target, patch));
    if (isJsonObject(patch)) assert.deepEqual(mergePatch(got, patch), got, "it is applied twice");
    assertUnpolluted();
  },
});

/** The pseudo-code of RFC 7386 §2, on copies. */
function modelOfMerge(target: unknown, patch: unknown): unknown {
  if (!isJsonObject(patch)) return patch;
  const result = new Map(Object.entries(isJsonObject(target) ? target : {}));
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) result.delete(name);
    else result.set(name, modelOfMerge(result.get(name), value));
  }
  return Object.fromEntries(result);
}

property("a JSON patch from one document to another makes the other of it", {
  share: 2_000,
  of: fc.tuple(document, document),
  holds([from, to]) {
    const operations = createPatch(from, to);
    assert.deepEqual(jsonPatch(frozen(cloneJson(from)), operations), to);
    assertUnpolluted();
  },
});

const pointer = fc.oneof(
  fc.array(
    fc.oneof(
      fc.constantFrom(
        "a",
        "b",
        "0",
        "1",
        "-",
        "~0",
        "~1",
        "~",
        "01",
        "-1",
        "__proto__",
        "constructor",
      ),
      hostileText,
    ),
    {
      maxLength: 4,
    },
  ).map((parts) => parts.map((part) => `/${part}`).join("")),
  hostileText,
);
const operation = fc.oneof(
  fc.record({
    op: fc.constantFrom("add", "remove", "replace", "move", "copy", "test", "inc"),
    path: pointer,
    from: pointer,
    value: document,
  }, { requiredKeys: ["op", "path"] }),
  document,
);

property(
  "any JSON patch is applied as a whole, as its library does, or is refused and changes nothing",
  {
    share: 4_000,
    of: fc.tuple(document, fc.array(operation, { maxLength: 5 })),
    holds([target, patch]) {
      const got = refusedOr(() => jsonPatch(frozen(cloneJson(target)), frozen(cloneJson(patch))));
      assertUnpolluted();
      if (got === undefined) return;
      const expected = { document: cloneJson(target) };
      const prefixed = (path: string | undefined) =>
        path === undefined ? {} : { from: `/document${path}` };
      const faults = applyPatch(
        expected,
        (cloneJson(patch) as { path: string; from?: string }[]).map((one) => ({
          ...one,
          path: `/document${one.path}`,
          ...prefixed(one.from),
        })) as Parameters<typeof applyPatch>[1],
      );
      assert.ok(faults.every((fault) => fault === null), String(faults));
      assert.deepEqual(got.value, expected.document);
    },
  },
);

const DIRECTIVES = [
  "$patch",
  "$retainKeys",
  "$setElementOrder/containers",
  "$deleteFromPrimitiveList/finalizers",
];
/** Made once: there are thousands of fields. */
const stored = [pods.schema, deployments.schema].map((schema) => ({
  schema,
  value: valueOf(schema),
}));
const target = fc.oneof(...stored.map(({ schema, value }) => fc.tuple(fc.constant(schema), value)));

const change = fc.oneof(
  jsonValue([...DIRECTIVES, "name", "containers", "spec", "metadata"]),
  fc.constantFrom("delete", "replace", "merge", "$patch", null, { $patch: "delete", name: "a" }, {
    $patch: "replace",
  }),
  loaded,
);

property("any strategic merge patch gives an object or is refused, and changes nothing else", {
  share: 4_000,
  of: fc.tuple(
    fc.oneof(...stored.map(({ schema, value }) => fc.tuple(fc.constant(schema), value, value))),
    place,
    change,
  ),
  holds([[schema, target, patch], at, change]) {
    const hostile = frozen(mutated(patch, at, change));
    const got = refusedOr(() => strategicMergePatch(frozen(target), hostile, schema));
    assertUnpolluted();
    if (got !== undefined) assert.ok(isJsonObject(got.value));
  },
});

property(
  "a strategic merge patch of an object onto itself changes nothing, nor does an empty one",
  {
    share: 2_000,
    of: target,
    holds([schema, target]) {
      assert.deepEqual(strategicMergePatch(frozen(target), {}, schema), target);
      const patch = withoutNulls(target);
      if (hasDuplicates(patch)) return; // Kubernetes itself confuses them
      const got = refusedOr(() => strategicMergePatch(frozen(patch), patch, schema));
      if (got !== undefined) assert.deepEqual(got.value, patch);
    },
  },
);

property("a strategic merge patch without lists is a merge patch", {
  share: 2_000,
  of: fc.tuple(document.filter(isJsonObject), document.filter(isJsonObject)),
  holds([target, patch]) {
    const got = strategicMergePatch(frozen(target), frozen(patch), { type: "object" });
    assert.deepEqual(got, mergePatch(target, patch));
  },
});

property("no patch reaches what all objects share", {
  share: 2_000,
  of: fc.tuple(document, loaded, fc.constantFrom(pods.schema, deployments.schema)),
  holds([target, patch, schema]) {
    refusedOr(() => mergePatch(frozen(cloneJson(target)), patch));
    refusedOr(() => strategicMergePatch(frozen(cloneJson(target)), patch, schema));
    refusedOr(() => jsonPatch(target, [{ op: "add", path: "/__proto__/polluted", value: patch }]));
    refusedOr(() =>
      jsonPatch(target, [{ op: "copy", from: "/a", path: "/constructor/prototype/polluted" }])
    );
    assertUnpolluted();
  },
});

/** By one of them patches of lists tell the items apart. */
const MERGE_KEYS = [
  "containerPort",
  "port",
  "topologyKey",
  "mountPath",
  "devicePath",
  "name",
  "ip",
  "uid",
  "type",
  "resourceType",
];

function hasDuplicates(value: unknown): boolean {
  if (Array.isArray(value)) {
    const isDuplicate = (a: unknown, b: unknown) =>
      isJsonObject(a) && isJsonObject(b) &&
      MERGE_KEYS.some((key) => a[key] !== undefined && a[key] === b[key]);
    if (value.some((a, i) => value.slice(0, i).some((b) => isDuplicate(a, b)))) return true;
  }
  return typeof value === "object" && value !== null && Object.values(value).some(hasDuplicates);
}

/** In an object that is stored, null is not there. */
function withoutNulls(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_, inner) => inner === null ? undefined : inner);
}

function assertUnpolluted(): void {
  assert.equal(Object.getOwnPropertyNames(Object.prototype).length, SHARED);
  assert.equal("polluted" in {}, false);
  assert.equal("polluted" in (() => {}), false);
}

function refusedOr<T>(act: () => T): { value: T } | undefined {
  try {
    return { value: act() };
  } catch (error) {
    assert.ok(error instanceof ApiError, error instanceof Error ? `${error.stack}` : String(error));
    assert.ok(error.code >= 400 && error.code < 500);
    return undefined;
  }
}
