import { type JsonObject, objectIn } from "../../lib/json/json_value.ts";
import {
  type AnyResource,
  apiVersionOf,
  type KubeObject,
  type ScalePaths,
} from "../../resources/resource.ts";
import { scaleNumbersOf } from "../../resources/scale_numbers.ts";
import { isBuiltIn } from "../../resources/zero_objects.ts";
import type { Subresource } from "../../resources/subresource.ts";
import { type FieldSet, hasPath, setOfPath } from "../../schema/fields/field_set.ts";
import { fieldElement } from "../../schema/fields/path_elements.ts";
import { type ManagedFieldsEntry, objectMeta } from "../../schema/metadata.ts";
import { integer, object, present, string, type TypeOf } from "../../schema/schema.ts";

/** https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/scale-v1/ (autoscaling/v1) */
const scaleSchema = object("How many replicas there should be and are.", {
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

/** `OBJECT/scale` of kinds that say where their replicas are. */
export function scale(resource: AnyResource): Subresource<KubeObject> | undefined {
  const { scale: paths, kind } = resource;
  if (!paths) return undefined;
  // As in Kubernetes, whose scales of built-in kinds say nothing of managers.
  const showsManagers = !isBuiltIn(apiVersionOf(resource), kind);
  return {
    name: "scale",
    verbs: ["get", "patch", "update"],
    body: { group: "autoscaling", version: "v1", kind: "Scale", schema: scaleSchema },
    show: (current) => scaleOf(paths, current, showsManagers),
    admittedAs: "update",
    applied: (sent) => {
      const { replicas } = objectIn(sent, "spec");
      return replicas === undefined ? {} : withValue({}, paths.specReplicas, replicas);
    },
    decide: (current, sent) => {
      const { replicas = 0 } = objectIn(sent, "spec");
      return { next: withValue(current as unknown as JsonObject, paths.specReplicas, replicas) };
    },
  };
}

function scaleOf(paths: ScalePaths, scaled: KubeObject, showsManagers: boolean): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = scaled.metadata;
  const { wanted = 0, present: replicas, selector } = scaleNumbersOf(paths, scaled);
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: {
      name,
      ...(namespace && { namespace }),
      uid,
      resourceVersion,
      creationTimestamp,
      ...(showsManagers && managersOf(paths, scaled)),
    },
    spec: { replicas: wanted },
    status: { replicas, ...(selector !== undefined && { selector }) },
  };
}

/** The managers of the replicas, as managers of the scale. */
function managersOf(
  { specReplicas }: ScalePaths,
  { metadata }: KubeObject,
): { managedFields?: ManagedFieldsEntry[] } {
  const path = specReplicas.map(fieldElement);
  const managedFields = (metadata.managedFields ?? [])
    .filter(({ fieldsV1 }) => hasPath(fieldsV1 as FieldSet ?? {}, path))
    .map((entry) => ({
      ...entry,
      apiVersion: "autoscaling/v1",
      fieldsV1: setOfPath(["f:spec", "f:replicas"]),
    }));
  return managedFields.length > 0 ? { managedFields } : {};
}

/** A copy with the value at the path; what is no object on the way becomes one. */
function withValue(
  target: JsonObject,
  [field = "", ...rest]: readonly string[],
  value: unknown,
): JsonObject {
  if (rest.length === 0) return { ...target, [field]: value };
  return { ...target, [field]: withValue(objectIn(target, field), rest, value) };
}
