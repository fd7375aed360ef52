import type { View } from "../../client/client.ts";
import { type Catalog } from "../../resources/catalog.ts";
import { type AnyResource, groupResourceOf, type KubeObject } from "../../resources/resource.ts";
import { scaleNumbersOf } from "../../resources/scale_numbers.ts";
import type { OwnerReference } from "../../schema/metadata.ts";
import { controllerOf } from "../runtime/ownership.ts";

/** How many pods an owner asks for, and its uid; or why nobody knows. */
export type OwnerScale = { uid: string; replicas: number } | { fault: string };

/**
 * What the owner of a pod asks for, or the Deployment above it. Any kind that can be scaled counts.
 *
 * Kubernetes: `getPodDeployment`, `getScaleController` and their like in `pkg/controller/disruption/disruption.go`.
 */
export function scaleOfOwner(catalog: Catalog, pod: KubeObject, view: View): OwnerScale {
  const fault = `found no controllers for pod "${pod.metadata.name}"`;
  const reference = controllerOf(pod);
  const resource = reference && kindOf(catalog, reference);
  if (!resource) return { fault };
  if (!resource.scale) {
    return { fault: `${groupResourceOf(resource)} does not implement the scale subresource` };
  }
  const owner = ownerOf(pod, reference, { resource, view });
  if (owner === undefined) return { fault };
  return scaleOf(aboveOf(catalog, owner, view) ?? { resource, object: owner });
}

interface Found {
  resource: AnyResource;
  object: KubeObject;
}

function scaleOf({ resource, object }: Found): OwnerScale {
  const { wanted = 0 } = scaleNumbersOf(resource.scale!, object);
  return { uid: object.metadata.uid, replicas: wanted };
}

/** A Deployment says how many pods its ReplicaSets have together. */
function aboveOf(catalog: Catalog, owner: KubeObject, view: View): Found | undefined {
  const reference = controllerOf(owner);
  if (reference?.kind !== "Deployment") return undefined;
  const resource = kindOf(catalog, reference);
  const object = resource?.scale && ownerOf(owner, reference, { resource, view });
  return object && { resource, object };
}

function kindOf(catalog: Catalog, { apiVersion, kind }: OwnerReference): AnyResource | undefined {
  const group = apiVersion.includes("/") ? apiVersion.split("/")[0] : "";
  return catalog.all.find((each) => each.kind === kind && each.group === group);
}

function ownerOf(
  { metadata: { namespace = "" } }: KubeObject,
  { name, uid }: OwnerReference,
  { resource, view }: { resource: AnyResource; view: View },
): KubeObject | undefined {
  const owner = view.get<KubeObject>(resource, { namespace, name });
  return owner?.metadata.uid === uid ? owner : undefined;
}
