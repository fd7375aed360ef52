import assert from "node:assert/strict";
import fc from "fast-check";
import { freshApi } from "../../core/api/api_fixture.ts";
import { apiVersionOf } from "../../core/resources/resource.ts";
import { RESOURCES } from "../../core/resources/mod.ts";
import { hostileText, jsonValue, mutated, place } from "./json_values.ts";
import { property } from "./property.ts";
import { valueOf } from "./schema_values.ts";

/** A 5xx is a fault of ours, except 501, which says that something is not implemented. */
const FAILURES = [500, 502, 503, 504];

const { ask } = await freshApi();

const segment = fc.oneof(
  fc.constantFrom(
    "api",
    "apis",
    "v1",
    "apps",
    "namespaces",
    "default",
    "pods",
    "configmaps",
    "deployments",
    "a",
    "watch",
  ),
  fc.constantFrom(
    "status",
    "scale",
    "log",
    "binding",
    "eviction",
    "openapi",
    "v2",
    "v3",
    "livez",
    "apply",
    "version",
    "",
    ".",
    "..",
    "%2f",
    "%",
  ),
  hostileText.map((text) => encodeURIComponent(text.toWellFormed())),
);
const known = fc.constantFrom(
  ...RESOURCES.flatMap((resource) => {
    const root = resource.group
      ? `/apis/${resource.group}/${resource.version}`
      : `/api/${resource.version}`;
    const collection = `${root}${
      resource.namespaced ? "/namespaces/default" : ""
    }/${resource.plural}`;
    return [
      collection,
      `${root}/${resource.plural}`,
      `${collection}/a`,
      `${collection}/a/status`,
      `${collection}/a/scale`,
    ];
  }),
);
const path = fc.oneof(
  known,
  fc.array(segment, { maxLength: 7 }).map((parts) => `/${parts.join("/")}`),
);

const parameter = fc.tuple(
  fc.oneof(
    fc.constantFrom(
      "labelSelector",
      "fieldSelector",
      "limit",
      "continue",
      "resourceVersion",
      "resourceVersionMatch",
    ),
    fc.constantFrom(
      "dryRun",
      "fieldManager",
      "fieldValidation",
      "force",
      "pretty",
      "timeoutSeconds",
      "sendInitialEvents",
    ),
    fc.constantFrom(
      "propagationPolicy",
      "gracePeriodSeconds",
      "container",
      "tailLines",
      "sinceTime",
      "exclude",
      "verbose",
    ),
    hostileText,
  ),
  fc.oneof(
    fc.constantFrom(
      "",
      "0",
      "1",
      "-1",
      "true",
      "All",
      "Strict",
      "a=b",
      "metadata.name=a",
      "Exact",
      "NotOlderThan",
      "eyJ9",
    ),
    hostileText,
  ),
).map(([name, value]) =>
  `${encodeURIComponent(name.toWellFormed())}=${encodeURIComponent(value.toWellFormed())}`
);
const query = fc.array(parameter, { maxLength: 4 }).map((all) =>
  all.length === 0 ? "" : `?${all.join("&")}`
);

const accept = fc.constantFrom(
  "application/json",
  "application/json;as=Table;v=v1;g=meta.k8s.io",
  "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io, */*",
  "application/vnd.kubernetes.protobuf",
  ";;,=q",
);

property("no path and no query makes the API fail", {
  share: 5_000,
  of: fc.tuple(
    fc.constantFrom("GET", "GET", "HEAD", "DELETE", "OPTIONS", "POST", "PUT", "PATCH"),
    path,
    query,
    accept,
  ),
  holds: ([method, path, query, accept]) =>
    assertAnswered(method, path + query, undefined, { accept }),
});

const TYPES = [
  "application/json",
  "application/yaml",
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
  "application/vnd.kubernetes.protobuf",
  "",
  ";;",
];

const object = fc.oneof(...RESOURCES.map((resource) =>
  fc.tuple(
    fc.constant(
      `${resource.group ? `/apis/${resource.group}` : "/api"}/${resource.version}${
        resource.namespaced ? "/namespaces/default" : ""
      }/${resource.plural}`,
    ),
    valueOf(resource.schema).map((object) => ({
      ...object as object,
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      metadata: { ...(object as { metadata?: object }).metadata, name: "a", namespace: undefined },
    })),
  )
));

property("no object, whole or with a value changed, makes the API fail", {
  share: 300,
  of: fc.tuple(object, fc.boolean(), place, jsonValue(["name"])),
  async holds([[path, value], isWhole, at, by]) {
    const body = JSON.stringify(isWhole ? value : mutated(value, at, by));
    await assertAnswered("POST", path, body, { "content-type": "application/json" });
    await assertAnswered("PUT", `${path}/a`, body, { "content-type": "application/json" });
    await assertAnswered("PATCH", `${path}/a`, body, {
      "content-type": "application/strategic-merge-patch+json",
    });
    await assertAnswered("GET", path, undefined, {
      accept: "application/json;as=Table;v=v1;g=meta.k8s.io",
    });
    await assertAnswered("PUT", "/apply?dryRun=All", body, { "content-type": "application/yaml" });
    await assertAnswered("DELETE", `${path}/a?gracePeriodSeconds=0`, undefined, {});
  },
});

property("no body of any type makes the API fail", {
  share: 1_500,
  of: fc.tuple(
    fc.constantFrom("POST", "PUT", "PATCH", "DELETE"),
    path,
    query,
    fc.oneof(
      jsonValue(["metadata", "spec", "op", "path"]).map((value) => JSON.stringify(value)),
      hostileText,
    ),
    fc.constantFrom(...TYPES),
  ),
  holds: ([method, path, query, body, type]) =>
    assertAnswered(method, path + query, body, { "content-type": type }),
});

/** The one 504 that a client brings about, as in kube-apiserver: "Too large resource version". */
function isFromTheFuture(status: number, path: string): boolean {
  return status === 504 && path.includes("resourceVersion=");
}

async function assertAnswered(
  method: string,
  path: string,
  body: string | undefined,
  headers: Record<string, string>,
): Promise<void> {
  const answer = await ask(method, path, body, headers);
  // A stream that goes on is cancelled: only its head is checked.
  if (/watch=|follow=|\/watch\//.test(path)) await answer.body?.cancel();
  const text = answer.bodyUsed ? "" : await answer.text();
  assert.ok(
    !FAILURES.includes(answer.status) || isFromTheFuture(answer.status, path),
    `${method} ${path} is answered ${answer.status}: ${text.slice(0, 300)}`,
  );
  const isRefusal = answer.status >= 400 && method !== "HEAD" && text.startsWith("{");
  if (isRefusal) assert.equal(JSON.parse(text).kind, "Status");
}
