import type { Source } from "../core/client/list_watch.ts";
import { leases } from "../core/resources/coordination/leases.ts";
import { nodes } from "../core/resources/core/nodes/nodes.ts";
import { pods } from "../core/resources/core/pods/pods.ts";
import { services } from "../core/resources/core/services/services.ts";
import { referencedKinds } from "./pods/references.ts";
import type { VolumeType } from "./volumes/volume_type.ts";

/** What an agent needs to see of the API, each kind once: the pods and the lease of its node, all of other kinds. */
export function agentSources(nodeName: string, volumeTypes: readonly VolumeType[]): Source[] {
  return [
    { resource: pods, fieldSelector: `spec.nodeName=${nodeName}` },
    { resource: leases, namespace: "kube-node-lease", fieldSelector: `metadata.name=${nodeName}` },
    ...[...new Set([nodes, services, ...referencedKinds(volumeTypes)])]
      .map((resource) => ({ resource })),
  ];
}
