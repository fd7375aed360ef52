import { ApiError, OtherRefusal } from "../client/api_error.ts";
import type { DeleteOptions, ObjectName } from "../client/client.ts";
import { notFound } from "../client/refusals.ts";
import type { WriteOptions } from "../client/write_options.ts";
import { type AnyResource, groupResourceOf, type KubeObject } from "../resources/resource.ts";
import {
  type Subresource,
  SubresourceRefusal,
  type SubresourceWorld,
} from "../resources/subresource.ts";
import type { JsonObject } from "../lib/json/json_value.ts";
import { askAboutSent } from "./asked_requests.ts";
import { keyOf } from "./placement.ts";
import type { Objects } from "./objects.ts";
import { bodyFrom } from "./subresource_writes.ts";

interface Target {
  resource: AnyResource;
  name: ObjectName;
  subresource: Subresource<KubeObject>;
}

/** Does what was sent to a subresource that acts. Resolves with warnings for the client. Throws an ApiError for a refusal. */
export async function actOnSubresource(
  objects: Objects,
  { resource, name, subresource }: Target,
  given: unknown,
  options: WriteOptions,
): Promise<readonly string[]> {
  const { body, act } = subresource;
  const { group, kind } = body!; // what acts is told what to do
  const sent = bodyFrom(given, name.name, { group, kind, schema: body!.schema });
  try {
    const dryRun = options.dryRun || subresource.isDryRun?.(sent) || false;
    const write = { ...options, dryRun, isAdmitted: true } as const;
    const part = { resource, name, subresource: subresource.name, body: body! };
    const asked = await askAboutSent(objects, part, sent, write);
    await act!(asked.sent as JsonObject, worldOf(objects, { resource, name }, write));
    return asked.warnings;
  } catch (error) {
    if (!(error instanceof SubresourceRefusal)) throw error;
    const { reason, message, details } = error;
    if (reason === "InternalError") throw new OtherRefusal(message, { code: 500 }); // Kubernetes gives no reason here
    // Causes of a refusal are about no field: they have only a reason and a message.
    throw new ApiError(reason, message, details as ApiError["details"]);
  }
}

function worldOf(
  objects: Objects,
  { resource, name }: Pick<Target, "resource" | "name">,
  options: WriteOptions,
): SubresourceWorld<KubeObject> {
  const { namespace = "" } = name;
  const amend = async (
    kind: AnyResource,
    of: ObjectName,
    next: (current: KubeObject) => KubeObject,
  ) => (await objects.amend(kind, of, next, options)).object.metadata.resourceVersion;
  const world = {
    nowMs: objects.clock.now(),
    isDryRun: options.dryRun ?? false,
    get object() {
      const newest = objects.store.newest(keyOf(resource, name));
      if (!newest) throw notFound(resource, name.name);
      return newest.object;
    },
    list: (kind: AnyResource) =>
      objects.store.list([groupResourceOf(kind), namespace]).map(({ object }) => object),
    amend: (kind: AnyResource, of: string, next: (current: KubeObject) => KubeObject) =>
      amend(kind, { namespace, name: of }, next),
    amendSelf: (next: (current: KubeObject) => KubeObject) => amend(resource, name, next),
    remove: async (deletion: DeleteOptions) => {
      await objects.delete(resource, name, deletion, options);
    },
  };
  return world as SubresourceWorld<KubeObject>; // a kind and its objects belong together
}
