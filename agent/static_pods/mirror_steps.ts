import type { Draft } from "../../core/client/client.ts";
import type { Node } from "../../core/resources/core/nodes/nodes.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import {
  CONFIG_HASH,
  CONFIG_MIRROR,
  mirrorHashOf,
} from "../../core/resources/core/pods/static_pods.ts";

/** Something to do so that the API shows the static pods of a node as they are. */
export type MirrorStep =
  | { do: "create"; draft: Draft<Pod> }
  | { do: "delete"; mirror: Pod };

/**
 * What is to be done next. A mirror that somebody deletes, that shows another version of its pod, or no pod that there
 * is, goes; the next one comes when it has gone. Pure.
 */
export function mirrorSteps(
  statics: readonly Pod[],
  mirrors: readonly Pod[],
  node: Node | undefined,
): MirrorStep[] {
  const wanted = new Map(statics.map((pod) => [nameOf(pod), pod]));
  const there = new Map(mirrors.map((mirror) => [nameOf(mirror), mirror]));
  const outdated = mirrors.filter((mirror) =>
    mirror.metadata.deletionTimestamp !== undefined ||
    wanted.get(nameOf(mirror))?.metadata.uid !== mirrorHashOf(mirror)
  );
  const missing = node === undefined
    ? []
    : statics.filter((pod) => !there.has(nameOf(pod)) && !pod.metadata.deletionTimestamp);
  return [
    ...outdated.map((mirror): MirrorStep => ({ do: "delete", mirror })),
    ...missing.map((pod): MirrorStep => ({ do: "create", draft: mirrorOf(pod, node!) })),
  ];
}

/** As the API is to show a static pod (`pkg/kubelet/pod/mirror_client.go`). */
function mirrorOf({ metadata, spec }: Pod, node: Node): Draft<Pod> {
  const { namespace, name, labels, annotations } = metadata;
  const { name: nodeName, uid } = node.metadata;
  const owner = { apiVersion: "v1", kind: "Node", name: nodeName, uid, controller: true };
  return {
    metadata: {
      ...{ namespace, name },
      ...(labels && { labels }),
      annotations: { ...annotations, [CONFIG_MIRROR]: annotations?.[CONFIG_HASH] ?? metadata.uid },
      ownerReferences: [owner],
    },
    spec,
  } as Draft<Pod>;
}

function nameOf({ metadata: { namespace, name } }: Pod): string {
  return `${namespace}/${name}`;
}
