import type { View } from "../../client/client.ts";
import type { TargetReference } from "../../resources/autoscaling/autoscaler_shape.ts";
import type { Catalog } from "../../resources/catalog.ts";
import { type AnyResource, groupResourceOf, type KubeObject } from "../../resources/resource.ts";
import { type ScaleNumbers, scaleNumbersOf } from "../../resources/scale_numbers.ts";

/** What an autoscaler scales. */
export interface ScaleTarget {
  resource: AnyResource;
  object: KubeObject;
  scale: ScaleNumbers;
}

/** Finds it, or says why it cannot be scaled, in Kubernetes' words. */
export function scaleTargetOf(
  catalog: Catalog,
  { apiVersion = "", kind = "", name = "" }: TargetReference,
  { namespace, view }: { namespace: string; view: View },
): ScaleTarget | { fault: string } {
  const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
  const resource = catalog.all.find((each) => each.kind === kind && each.group === group);
  if (!resource) return { fault: `no matches for kind "${kind}" in group "${group}"` };
  if (!resource.scale || !resource.namespaced) {
    return { fault: "the server could not find the requested resource" };
  }
  const object = view.get<KubeObject>(resource, { namespace, name });
  if (object === undefined) return { fault: `${groupResourceOf(resource)} "${name}" not found` };
  return { resource, object, scale: scaleNumbersOf(resource.scale, object) };
}
