/** Server-side apply as a real kube-apiserver 1.34.4 was seen to do it: steps, answers, and what they left. */
import assert from "node:assert/strict";
import { MutableCatalog } from "../../resources/catalog.ts";
import { RESOURCES } from "../../resources/mod.ts";
import { type AnyResource, defineResource, wholeObject } from "../../resources/resource.ts";
import type { Schema } from "../../schema/schema.ts";
import { VirtualClock } from "../../lib/virtual_clock.ts";
import { type ApiFixture, freshApi } from "../api_fixture.ts";
import recorded from "./server_side_apply_cases.json" with { type: "json" };

// deno-lint-ignore no-explicit-any -- recorded JSON
type Json = any;

/** Cases that say something else than what is tested here, by their names. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "null in an applied object": "nulls are refused by CustomResourceDefinitions' own check",
  "finalizers and owner references": "its objects were being deleted when it was recorded",
  "Namespace by apply: labels set by the server": "its namespace was being deleted",
};

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  apply: "application/apply-patch+yaml",
  merge: "application/merge-patch+json",
};

const things = thingsOf(recorded.crd);

function thingsOf({ spec }: Json): AnyResource {
  const [first, second] = spec.versions.map(({ name, schema }: Json) => ({
    version: name as string,
    schema: schema.openAPIV3Schema as Schema<object>,
  }));
  const as = (version: string) => (object: object) => ({
    ...object,
    apiVersion: `lab.dev/${version}`,
  });
  return defineResource({
    group: "lab.dev",
    version: first.version,
    kind: "Thing",
    plural: "things",
    namespaced: true,
    schema: first.schema,
    generation: "content",
    scale: {
      specReplicas: ["spec", "replicas"],
      statusReplicas: ["status", "replicas"],
      selector: ["spec", "selector"],
    },
    servedVersions: [{
      group: "lab.dev",
      version: second.version,
      schema: wholeObject(second.schema),
      fromStored: as("v2"),
      toStored: (object) => as("v1")(object as object),
    }],
  });
}

for (const recordedCase of recorded.cases as Json[]) {
  const { case: name } = recordedCase;
  if (Object.hasOwn(ELSEWHERE, name)) continue;
  Deno.test(`server-side apply as recorded: ${name}`, () => replay(recordedCase));
}

async function replay({ steps, object, managedFields, withoutTime }: Json): Promise<void> {
  const clock = new VirtualClock(Date.parse("2026-01-01T00:00:00Z"));
  const api = await freshApi({ clock, catalog: new MutableCatalog([...RESOURCES, things]) });
  for (const step of steps) {
    await clock.advance(2000);
    await take(api, step);
  }
  if (object === null) return;
  const answer = await api.ask("GET", pathOf(steps.at(-1).body));
  const { metadata, ...rest } = await answer.json();
  assert.deepEqual(fieldsOf(metadata.managedFields), managedFields);
  assert.deepEqual(
    (metadata.managedFields ?? []).filter(({ time }: Json) => !time).map(nameOf),
    withoutTime ?? [],
  );
  const { managedFields: _, uid: __, resourceVersion: ___, creationTimestamp: ____, ...left } =
    metadata;
  assert.deepEqual(known({ ...rest, metadata: left }), known(object));
}

async function take(api: ApiFixture, step: Json): Promise<void> {
  const before = await versionOf(api, step.body);
  const { path, method, headers } = requestOf(step);
  const answer = await api.ask(method, path, await bodyOf(api, step), headers);
  const text = await answer.text();
  assert.equal(answer.status, step.code, text);
  if (step.status?.message) assert.equal(JSON.parse(text).message, step.status.message);
  if (step.status?.details) {
    const { causes = [], ...details } = JSON.parse(text).details;
    const { causes: wanted = [], ...rest } = step.status.details;
    assert.deepEqual([sorted(causes), details], [sorted(wanted), rest]);
  }
  if (step.answer) {
    assert.deepEqual(fieldsOf(JSON.parse(text).metadata.managedFields), step.answer.managedFields);
  }
  if (step.resourceVersionMoved === undefined) return;
  assert.equal(before !== await versionOf(api, step.body), step.resourceVersionMoved, "moved");
}

function requestOf({ do: verb, manager, sub, force, dryRun, body }: Json): Json {
  const [name, ...extra] = (manager ?? "").split("&");
  const query = [
    ...(name ? [`fieldManager=${name}`] : []),
    ...extra,
    ...(force ? ["force=true"] : []),
    ...(dryRun ? ["dryRun=All"] : []),
  ].join("&");
  const path = verb === "create" ? pathOf(body).replace(/\/[^/]*$/, "") : pathOf(body);
  const contentType = CONTENT_TYPES[verb] ?? "application/json";
  return {
    path: `${path}${sub ? `/${sub}` : ""}?${query}`,
    method: verb === "create" ? "POST" : verb === "update" ? "PUT" : "PATCH",
    headers: { "content-type": contentType, "user-agent": "lab/1.0" },
  };
}

function pathOf(body: Json): string {
  const { apiVersion, kind } = body.kind === "Scale"
    ? { apiVersion: "lab.dev/v1", kind: "Thing" }
    : body;
  const { name } = body.metadata;
  const plural = `${kind.toLowerCase()}s`;
  const root = apiVersion.includes("/") ? "/apis" : "/api";
  if (kind === "Namespace") return `${root}/${apiVersion}/${plural}/${name}`;
  return `${root}/${apiVersion}/namespaces/default/${plural}/${name}`;
}

/** A PUT says which version it has seen. */
async function bodyOf(api: ApiFixture, { do: verb, body }: Json): Promise<Json> {
  if (verb !== "update") return body;
  const resourceVersion = await versionOf(api, body);
  return { ...body, metadata: { ...body.metadata, resourceVersion } };
}

async function versionOf(api: ApiFixture, body: Json): Promise<string | undefined> {
  const answer = await api.ask("GET", pathOf(body));
  return answer.status === 200 ? (await answer.json()).metadata.resourceVersion : undefined;
}

function fieldsOf(managedFields: Json[] | undefined): Json {
  return managedFields?.map(({ time: _, ...entry }) => entry) ?? null;
}

function nameOf({ manager, operation }: Json): string {
  return `${manager}/${operation}`;
}

function sorted(causes: Json[]): Json[] {
  return causes.toSorted((a, b) => a.field < b.field ? -1 : 1);
}

/** Without what is made up by the server, and what is tested with the kinds. */
function known({ status: _, spec, ...object }: Json): Json {
  if (spec === undefined || object.kind === "Pod") return object;
  const { clusterIP: __, clusterIPs: ___, ...left } = spec;
  return { ...object, spec: left };
}
