import type { View } from "../../core/client/client.ts";
import { TemplateError } from "../../core/controllers/analysis/templates.ts";
import { resolveWorkload } from "../../core/controllers/rollouts/parts/workload_reference.ts";
import { faultsOfReferences } from "../../core/controllers/rollouts/validation/reference_rules.ts";
import { faultsOfSpec } from "../../core/controllers/rollouts/validation/spec_rules.ts";
import type { JsonObject } from "../../core/lib/json/json_value.ts";
import { type Manifest, parseManifests } from "../../core/manifest/manifest.ts";
import { apiVersionOf, type KubeObject, type Resource } from "../../core/resources/resource.ts";
import { type Rollout, rollouts } from "../../core/resources/argoproj/mod.ts";
import type { Cause } from "../../core/schema/causes.ts";
import { CommandError } from "../../server/command_error.ts";
import type { Terminal } from "../../server/terminal.ts";
import { type ManifestFile, readManifestFiles } from "../manifests/manifest_files.ts";

const NAMESPACE = "default";
/** What a rollout names and the files do not have may well be in the cluster; so may an Ingress that has the rule. */
const ELSEWHERE = /not found$|has no rules using service/;

/** An object in a file. */
interface Found {
  file: string;
  manifest: Manifest;
  object: KubeObject;
}

/**
 * Says what is wrong with the rollouts in files, without a server: fields that there are not, and everything that the
 * controller would find, with their places. Throws when something is wrong.
 */
export async function lint(paths: readonly string[], terminal: Terminal): Promise<void> {
  const all = (await readManifestFiles(paths)).flatMap(objectsIn);
  const view = viewOf(all.map(({ object }) => object));
  const faults = all.filter(({ object }) => isOf(object, rollouts))
    .flatMap((found) => faultsOf(found, view).map((cause) => lineOf(found, cause)));
  for (const fault of faults) terminal.out(`${fault}\n`);
  if (faults.length > 0) {
    throw new CommandError(`Found ${faults.length} ${faults.length === 1 ? "fault" : "faults"}`);
  }
}

function objectsIn({ name: file, text }: ManifestFile): Found[] {
  try {
    return parseManifests(text).map((manifest) => {
      const object = manifest.value as unknown as KubeObject; // kinds are told by their words alone
      const { namespace = NAMESPACE, ...metadata } = object.metadata ?? { name: "" };
      return { file, manifest, object: { ...object, metadata: { ...metadata, namespace } } };
    });
  } catch (error) {
    throw new CommandError(`Cannot read "${file}": ${(error as Error).message}`);
  }
}

function isOf(
  { apiVersion, kind }: KubeObject,
  resource: Pick<Resource, "group" | "version" | "kind">,
): boolean {
  return kind === resource.kind && apiVersion === apiVersionOf(resource);
}

function faultsOf({ object }: Found, view: View): Omit<Cause, "reason">[] {
  const { value, unknown, causes, fault } = rollouts.reading!.read(object as unknown as JsonObject);
  if (fault !== undefined) return [{ field: "", message: fault }];
  const strange = unknown.map((field) => ({ field, message: "unknown field" }));
  if (causes.length > 0) return [...strange, ...causes];
  // It was read as one, but for what every Rollout must have.
  const read = { ...value, spec: value.spec ?? {} } as unknown as Rollout;
  const workload = resolveWorkload(read, view);
  const isOpen = "error" in workload; // its workload is in the cluster, and has the template
  const rollout = isOpen ? read : workload.rollout;
  return [
    ...strange,
    ...[...faultsOfSpec(rollout)].filter(({ field }) => !isOpen || !/^spec\.template/.test(field)),
    ...referenceFaults(rollout, view).filter(({ message }) => !ELSEWHERE.test(message)),
  ];
}

/** As far as what is named is there. */
function referenceFaults(rollout: Rollout, view: View): Cause[] {
  const faults: Cause[] = [];
  try {
    for (const fault of faultsOfReferences(rollout, view)) faults.push(fault);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
  }
  return faults;
}

function lineOf({ file, manifest }: Found, { field, message }: Omit<Cause, "reason">): string {
  const { line, column } = manifest.at(placeOf(field, manifest));
  return `${file}:${line}:${column}: ${field === "" ? "" : `${field}: `}${message}`;
}

/** Argo Rollouts' paths leave out which strategy is meant. */
function placeOf(field: string, { value }: Manifest): string {
  const { strategy = {} } = (value.spec ?? {}) as { strategy?: object };
  const kind = "blueGreen" in strategy ? "blueGreen" : "canary";
  return field.replace(/^spec\.strategy\.(?!canary|blueGreen|strategy)/, `spec.strategy.${kind}.`);
}

/** The objects of the files as a cluster would have them. */
function viewOf(objects: readonly KubeObject[]): View {
  const list = <T extends KubeObject>(resource: Resource<T>, namespace?: string) =>
    objects.filter((object) =>
      isOf(object, resource) &&
      (namespace === undefined || object.metadata.namespace === namespace)
    ) as T[];
  return {
    list,
    get: (resource, { namespace, name }) =>
      list(resource, namespace).find(({ metadata }) => metadata.name === name),
    by: () => [],
    subscribe: () => () => {},
  };
}
