import type { View } from "../../client/client.ts";
import type { KubeObject, Resource } from "../../resources/resource.ts";
import { type Controller, NOTHING, plan, update, type Watch } from "../runtime/controller.ts";

export interface Protection<T extends KubeObject> {
  /** Name of the controller. */
  name: string;
  resource: Resource<T>;
  /** The finalizer that holds an object as long as it is used. */
  finalizer: string;
  watches: readonly Watch[];
  isUsed(object: T, view: View): boolean;
}

/**
 * Lets objects that are being deleted go when nobody uses them any more. Admission gives the finalizer to new ones; it is
 * put back where it was taken away.
 *
 * https://kubernetes.io/docs/concepts/storage/persistent-volumes/#storage-object-in-use-protection
 */
export function protectionController<T extends KubeObject>(
  { name, resource, finalizer, watches, isUsed }: Protection<T>,
): Controller<T> {
  return {
    name,
    resource,
    watches,
    workers: 1,
    reconcile(object, view) {
      const { finalizers = [], deletionTimestamp } = object.metadata;
      const isHeld = finalizers.includes(finalizer);
      const withFinalizers = (finalizers: string[]) =>
        plan([update(resource, { ...object, metadata: { ...object.metadata, finalizers } })]);
      if (deletionTimestamp === undefined) {
        return isHeld ? NOTHING : withFinalizers([...finalizers, finalizer]);
      }
      return isHeld && !isUsed(object, view)
        ? withFinalizers(finalizers.filter((each) => each !== finalizer))
        : NOTHING;
    },
  };
}
