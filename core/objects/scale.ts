import type { ObjectName } from "../client/client.ts";
import type { LabelSelector } from "../schema/label_selector.ts";
import type { AnyResource, KubeObject, ScalePaths } from "../resources/resource.ts";
import { formatSelector, selectorOf } from "../schema/selectors.ts";
import { integer, object, present, string, type TypeOf } from "../schema/schema.ts";
import { check } from "../schema/check.ts";
import { objectMeta } from "../schema/metadata.ts";
import { cloneJson, isJsonObject, type JsonObject } from "../lib/json/json_value.ts";
import type { Objects } from "./objects.ts";
import { type Patch, patcherFor } from "./patch/patch.ts";
import { badRequest, conflict, invalid, notFound } from "../client/refusals.ts";
import type { WriteOptions, Written } from "../client/write_options.ts";

/** https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/scale-v1/ (autoscaling/v1) */
export const scaleSchema = object("How many replicas there should be and are.", {
  apiVersion: string("Always autoscaling/v1."),
  kind: string("Always Scale."),
  metadata: present(objectMeta),
  spec: present(object("What is wanted.", {
    replicas: integer("Replicas that there should be.", { minimum: 0 }),
  })),
  status: present(object("What is.", {
    replicas: integer("Replicas that there are."),
    selector: string("Selector of the pods, as a text."),
  })),
});
export type Scale = TypeOf<typeof scaleSchema>;

/** The scale of an object; throws NotFound when the kind has none. */
export function readScale(objects: Objects, resource: AnyResource, name: ObjectName): Scale {
  return scaleOf(pathsOf(resource, name), objects.get(resource, name).object);
}

/** Sets the replicas to those of a Scale that replaces the one there is. Resolves with the object scaled. */
export function updateScale(
  objects: Objects,
  resource: AnyResource,
  name: ObjectName,
  scale: unknown,
  options: WriteOptions = {},
): Promise<Written> {
  const paths = pathsOf(resource, name);
  const draftOf = (current: KubeObject) => withScale(resource, paths, current, scale);
  return objects.change(resource, name, draftOf, options);
}

/** The same by a patch of the Scale. */
export async function patchScale(
  objects: Objects,
  resource: AnyResource,
  name: ObjectName,
  patch: Patch,
  options: WriteOptions = {},
): Promise<Written> {
  const paths = pathsOf(resource, name);
  const apply = patcherFor(patch, scaleSchema);
  const draftOf = (current: KubeObject) =>
    withScale(resource, paths, current, apply(scaleOf(paths, current)));
  return await objects.change(resource, name, draftOf, options);
}

/** What the API answers with after a write of the scale. */
export function scaleOf(paths: ScalePaths, scaled: KubeObject): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = scaled.metadata;
  const selector = valueAt(scaled, paths.selector);
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, ...(namespace && { namespace }), uid, resourceVersion, creationTimestamp },
    spec: { replicas: Number(valueAt(scaled, paths.specReplicas) ?? 0) },
    status: {
      replicas: Number(valueAt(scaled, paths.statusReplicas) ?? 0),
      ...(isJsonObject(selector) &&
        { selector: formatSelector(selectorOf(selector as LabelSelector)) }),
    },
  };
}

function pathsOf(resource: AnyResource, { name }: ObjectName): ScalePaths {
  if (!resource.scale) throw notFound(resource, `${name}/scale`);
  return resource.scale;
}

function withScale(
  resource: AnyResource,
  paths: ScalePaths,
  current: KubeObject,
  given: unknown,
): JsonObject {
  const { name, resourceVersion } = current.metadata;
  if (!isJsonObject(given)) {
    throw badRequest("the object provided is unrecognized (must be of type Scale)");
  }
  const { value: scale, causes } = check(scaleSchema, cloneJson(given));
  if (causes.length > 0) throw invalid({ group: "autoscaling", kind: "Scale" }, name, causes);
  const { resourceVersion: seen, name: givenName } = scale.metadata;
  if (givenName && givenName !== name) {
    throw badRequest(
      `the name of the object (${givenName}) does not match the name on the URL (${name})`,
    );
  }
  if (seen && seen !== resourceVersion) throw conflict(resource, name);
  const draft = cloneJson(current) as unknown as JsonObject;
  setAt(draft, paths.specReplicas, scale.spec.replicas ?? 0);
  return draft;
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce((inner, field) => isJsonObject(inner) ? inner[field] : undefined, value);
}

function setAt(target: JsonObject, path: readonly string[], value: unknown): void {
  const [field = "", ...rest] = path;
  if (rest.length === 0) {
    target[field] = value;
    return;
  }
  const inner = target[field];
  const next: JsonObject = isJsonObject(inner) ? inner : target[field] = {};
  setAt(next, rest, value);
}
