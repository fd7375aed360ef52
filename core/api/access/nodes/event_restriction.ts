import { forbidden } from "../../../client/refusals.ts";
import type { Event } from "../../../resources/events/events.ts";
import { events } from "../../../resources/events/events.ts";
import { type AnyResource, groupResourceOf, type KubeObject } from "../../../resources/resource.ts";
import type { User } from "../../http/api_context.ts";
import { nodeOf } from "./node_identity.ts";

/**
 * Refuses what a node writes in the name of others: it says what itself has seen, and counts up what it has said. For
 * `WriteOptions.refuse`; `undefined`: any event may be written. Kubernetes leaves this open (a TODO of its node rules).
 */
export function refusalOfEvents(
  user: User,
  resource: AnyResource,
): ((next: KubeObject, previous: KubeObject | undefined) => void) | undefined {
  const node = nodeOf(user);
  if (node === undefined || groupResourceOf(resource) !== groupResourceOf(events)) return undefined;
  return (next, previous) => {
    for (const object of [next, ...(previous ? [previous] : [])]) {
      const { source, reportingInstance, metadata: { name } } = object as Event; // of this kind
      const hosts = [source.host, reportingInstance].filter((host) => host);
      if (hosts.length > 0 && hosts.every((host) => host === node)) continue;
      const who = hosts.find((host) => host !== node) ?? "";
      throw forbidden(events, name, `node "${node}" is not allowed to write events of "${who}"`);
    }
  };
}
