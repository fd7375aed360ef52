import { ApiError } from "../client/api_error.ts";
import type { ObjectName } from "../client/client.ts";
import { inTurns, runInTurns } from "../lib/steps.ts";
import type { Manifest, Position } from "../manifest/manifest.ts";
import { type AnyResource, apiVersionOf } from "../resources/resource.ts";
import { isNamespaceKind, namespaceIn } from "./admission/namespace_lifecycle.ts";
import { inputFrom, nameIn } from "./input.ts";
import { type JsonObject, objectIn } from "../lib/json/json_value.ts";
import { appliedBefore, withLastApplied } from "./managed_fields/last_applied.ts";
import type { Objects } from "./objects.ts";
import { keyOf } from "./placement.ts";
import { threeWayMerge } from "./patch/three_way_merge.ts";
import type { WriteOptions, Written } from "../client/write_options.ts";

/** What is wrong with a document. */
export interface ApplyError extends Position {
  /** Path of the field, when one is to blame. */
  field?: string;
  message: string;
}

/** What came of a document. */
export interface Applied {
  apiVersion: string;
  kind: string;
  namespace?: string;
  name: string;
  /** As kubectl names it: `deployment.apps/web`. */
  object: string;
  /** `skipped`: nothing is wrong with it, but with another document, so that nothing was written. */
  outcome: "created" | "configured" | "unchanged" | "failed" | "skipped";
  warnings: readonly string[];
  errors: readonly ApplyError[];
}

export interface ApplyOptions extends WriteOptions {
  /** Where objects go whose manifest names no namespace. Default: `default`. */
  namespace?: string;
  /** Server-side apply, by `fieldManager`; `isForced`: fields of other managers are taken. Absent: as client-side apply does. */
  serverSide?: { isForced: boolean };
}

/** A document that names an object of a known kind. */
interface Plan {
  document: Manifest;
  resource: AnyResource;
  name: Required<ObjectName>;
  draft: JsonObject;
  options: WriteOptions;
  serverSide: ApplyOptions["serverSide"];
}

type Checked = Plan | { refused: Applied };

/** An error whose position in the document is not known yet. */
type Fault = Omit<ApplyError, keyof Position>;

/** Objects that are checked or written before others have their turn: some 10 ms. */
const OBJECTS_PER_TURN = 16;

/**
 * Creates or updates each object as `kubectl apply` would, and answers in the order of the documents
 * (`parseManifests` reads them, and unpacks lists).
 *
 * Everything is checked first: when any document is wrong, every error of every document is reported and nothing
 * is written. Namespaces come first, then all else in the order of the documents, so that an object may come
 * before its namespace. Should a write still fail (another writer, a full disk), the others are done.
 */
export async function applyManifest(
  objects: Objects,
  resources: readonly AnyResource[],
  documents: readonly Manifest[],
  options: ApplyOptions = {},
): Promise<readonly Applied[]> {
  const checked = await inTurns(documents, OBJECTS_PER_TURN, async (some) => {
    const someChecked: Checked[] = [];
    for (const document of some) someChecked.push(await planOf(resources, document, options));
    return someChecked;
  });
  const plans = checked.filter((each): each is Plan => !("refused" in each));
  const namespacesToCome = new Set(plans.filter(isNamespace).map(({ name }) => name.name));
  const objectsToCome = new Set<string>();
  const results = new Map<Plan, Applied>();
  await inTurns(plans, OBJECTS_PER_TURN, async (some) => {
    for (const plan of some) {
      results.set(plan, await dryRun(objects, plan, { namespacesToCome, objectsToCome }));
      objectsToCome.add(keyOf(plan.resource, plan.name).join("/"));
    }
    return [];
  });
  const isRefused = checked.some((each) => "refused" in each) ||
    [...results.values()].some(({ outcome }) => outcome === "failed");
  if (!isRefused && !options.dryRun) {
    // Each write is decided in the turn in which it is called, so the order of the calls is kept.
    for (const group of [plans.filter(isNamespace), plans.filter((plan) => !isNamespace(plan))]) {
      await inTurns(
        group,
        OBJECTS_PER_TURN,
        (some) =>
          Promise.all(some.map(async (plan) => results.set(plan, await write(objects, plan)))),
      );
    }
  }
  const answerOf = (each: Checked) => "refused" in each ? each.refused : results.get(each)!;
  return checked.map((each) => isRefused ? skipped(answerOf(each)) : answerOf(each));
}

function isNamespace({ resource }: Plan): boolean {
  return isNamespaceKind(resource);
}

function skipped(applied: Applied): Applied {
  return applied.outcome === "failed" ? applied : { ...applied, outcome: "skipped" };
}

async function planOf(
  resources: readonly AnyResource[],
  document: Manifest,
  given: ApplyOptions,
): Promise<Checked> {
  const { namespace = "default", user, userInfo, fieldManager, fieldValidation = "Strict" } = given;
  const { value } = document;
  const { apiVersion, kind } = value;
  for (const field of ["apiVersion", "kind"]) {
    if (typeof value[field] !== "string" || value[field] === "") {
      return await refuse(document, value, `${field}: Required value`, field);
    }
  }
  const found = resourceOf(resources, String(apiVersion), String(kind));
  if (!found) {
    return await refuse(
      document,
      value,
      `no matches for kind "${kind}" in version "${apiVersion}"`,
      "kind",
    );
  }
  const { resource, served } = found;
  const name = nameIn(value);
  if (name === "") {
    const why = objectIn(value, "metadata")["generateName"]
      ? "cannot use generate name with apply"
      : "Required value: resource name may not be empty";
    return await refuse(document, value, `metadata.name: ${why}`, "metadata.name");
  }
  const place = resource.namespaced ? namespaceOf(value) || namespace : "";
  return {
    document,
    resource,
    name: { namespace: place, name },
    draft: given.serverSide ? value : withLastApplied(value, place),
    options: {
      fieldValidation,
      ...(user !== undefined && { user }),
      ...(userInfo && { userInfo }),
      ...(fieldManager !== undefined && { fieldManager }),
      ...(served && { served }),
    },
    serverSide: given.serverSide,
  };
}

function resourceOf(
  resources: readonly AnyResource[],
  apiVersion: string,
  kind: string,
): { resource: AnyResource; served?: AnyResource["servedVersions"][number] } | undefined {
  for (const resource of resources.flatMap((each) => each.versions ?? [each])) {
    if (resource.kind !== kind) continue;
    if (apiVersionOf(resource) === apiVersion) return { resource };
    const served = resource.servedVersions.find((version) => apiVersionOf(version) === apiVersion);
    if (served) return { resource, served };
  }
  return undefined;
}

/** Every error of a document: of fields that the kind does not have, of its namespace, of all the rules. */
async function dryRun(
  objects: Objects,
  plan: Plan,
  toCome: Required<Pick<WriteOptions, "namespacesToCome" | "objectsToCome">>,
): Promise<Applied> {
  const { document, resource, draft, name: { namespace } } = plan;
  const isStrict = plan.options.fieldValidation === "Strict";
  const faults: Fault[] = [];
  let applied = appliedOf(plan, "unchanged");
  try {
    if (isStrict) {
      const { unknown } = inputFrom(resource, draft, plan.options, "all");
      faults.push(...unknown.map((field) => ({ field, message: `unknown field "${field}"` })));
    }
    const isMissing = namespace !== "" && !namespaceIn(objects.store, namespace);
    if (isMissing && !toCome.namespacesToCome.has(namespace)) {
      const message = `namespaces "${namespace}" not found`;
      faults.push({ field: "metadata.namespace", message });
    }
    const namespacesToCome = isMissing ? new Set([namespace]) : new Set<string>();
    const options = {
      ...{ ...plan.options, fieldValidation: "Ignore", dryRun: true } as const,
      ...{ ...toCome, namespacesToCome },
    };
    applied = appliedFrom(plan, await writeOf(objects, plan, options));
  } catch (error) {
    faults.push(...faultsFrom(error));
  }
  if (faults.length === 0) return applied;
  return { ...applied, outcome: "failed", errors: await placed(document, faults) };
}

async function write(objects: Objects, plan: Plan): Promise<Applied> {
  try {
    return appliedFrom(plan, await writeOf(objects, plan, plan.options));
  } catch (error) {
    const errors = await placed(plan.document, faultsFrom(error));
    return { ...appliedOf(plan, "failed"), errors };
  }
}

function writeOf(objects: Objects, plan: Plan, options: WriteOptions): Promise<Written> {
  const { resource, name, draft, serverSide } = plan;
  if (serverSide) return objects.apply(resource, name, { sent: draft, ...serverSide }, options);
  if (!objects.store.newest(keyOf(resource, name))) return objects.create(resource, draft, options);
  return objects.change(resource, name, (current) => {
    const shown = (resource.reading ?? options.served)?.fromStored(current) ?? current;
    const sides = { original: appliedBefore(current), modified: draft, current: shown };
    return threeWayMerge(sides, (options.served ?? resource).schema);
  }, options);
}

function appliedFrom(plan: Plan, { outcome, warnings }: Written): Applied {
  const word = outcome === "created" || outcome === "unchanged" ? outcome : "configured";
  return { ...appliedOf(plan, word), warnings };
}

function appliedOf({ resource, name, draft }: Plan, outcome: Applied["outcome"]): Applied {
  const { group, singular, kind } = resource;
  return {
    apiVersion: String(draft["apiVersion"]),
    kind,
    ...(name.namespace && { namespace: name.namespace }),
    name: name.name,
    object: `${group ? `${singular}.${group}` : singular}/${name.name}`,
    outcome,
    warnings: [],
    errors: [],
  };
}

async function refuse(
  document: Manifest,
  value: JsonObject,
  message: string,
  field: string,
): Promise<{ refused: Applied }> {
  const { apiVersion, kind } = value;
  const name = nameIn(value);
  const [version, word] = [apiVersion, kind].map((text) => typeof text === "string" ? text : "");
  return {
    refused: {
      apiVersion: version!,
      kind: word!,
      name,
      object: `${word!.toLowerCase()}/${name}`,
      outcome: "failed",
      warnings: [],
      errors: await placed(document, [{ field, message }]),
    },
  };
}

/** Each cause of a refusal by its own. Whatever is no refusal is a fault of ours, and goes on. */
function faultsFrom(error: unknown): Fault[] {
  if (!(error instanceof ApiError)) throw error;
  const { causes = [] } = error.details;
  if (causes.length === 0) return [{ message: error.message }];
  return causes.map(({ field, message }) => ({
    field: field.replace(/^\./, ""), // as paths of managed fields begin
    message: `${field}: ${message}`,
  }));
}

/** In the order of their places. */
async function placed(document: Manifest, faults: readonly Fault[]): Promise<ApplyError[]> {
  await runInTurns(document.locate());
  return faults.map((fault) => ({
    ...(fault.field === undefined ? document.position : document.at(fault.field)),
    ...fault,
  })).sort((a, b) => a.line - b.line || a.column - b.column);
}

function namespaceOf(value: JsonObject): string {
  const namespace = objectIn(value, "metadata")["namespace"];
  return typeof namespace === "string" ? namespace : "";
}
