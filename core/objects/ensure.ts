import { isRefusal } from "../client/api_error.ts";
import type { AnyResource, KubeObject } from "../resources/resource.ts";
import type { Objects } from "./objects.ts";

/** What is to be there, as far as it has to be looked for. */
export interface Wanted {
  metadata: { name: string; namespace?: string; annotations?: Readonly<Record<string, string>> };
  spec?: unknown;
  data?: unknown;
}

/** Creates an object unless there is one of that name, which is returned as it is. */
export async function ensure(
  objects: Objects,
  resource: AnyResource,
  wanted: Wanted,
): Promise<KubeObject | undefined> {
  try {
    return objects.get(resource, wanted.metadata).object;
  } catch (error) {
    if (!isRefusal(error, "NotFound")) throw error;
    await objects.create(resource, wanted, { isOwn: true });
    return undefined;
  }
}
