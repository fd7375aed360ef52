import type { PodStatus } from "../../core/resources/core/pods/pod_status.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { mirrorHashOf } from "../../core/resources/core/pods/static_pods.ts";
import type { UnreportedStatuses } from "../../core/traffic/own_endpoints.ts";
import type { Key } from "../../core/store/store.ts";
import type { KeptValues } from "../checkpoint/kept_objects.ts";
import { OWN_KINDS } from "../checkpoint/own_kinds.ts";

/** Statuses of pods that the API does not know yet, because it could not be reached. By the uids of the pods. */
export interface KeptStatuses {
  get(podUid: string): PodStatus | undefined;
  keep(podUid: string, status: PodStatus): void;
  forget(podUid: string): void;
}

/** Keeps them in the checkpoint of the node: they outlive its agent, and a reboot. */
export class CheckpointStatuses implements KeptStatuses, UnreportedStatuses {
  readonly #checkpoint: KeptValues;
  readonly #listeners = new Set<(podUid: string) => void>();

  /** `pods`: those of the node; what is kept of others is forgotten. */
  constructor(checkpoint: KeptValues, pods: readonly Pod[]) {
    this.#checkpoint = checkpoint;
    // Of a static pod the API has another one that shows it.
    const uids = new Set(pods.flatMap((pod) => [pod.metadata.uid, mirrorHashOf(pod)]));
    for (const path of [...checkpoint.values().keys()]) {
      const [kind, , uid = ""] = path.split("/");
      if (kind === OWN_KINDS.statuses && !uids.has(uid)) this.forget(uid);
    }
  }

  get(podUid: string): PodStatus | undefined {
    return this.#checkpoint.get(keyOf(podUid)) as PodStatus | undefined; // as `keep` has put it
  }

  keep(podUid: string, status: PodStatus): void {
    this.#checkpoint.put(keyOf(podUid), status);
    this.#tell(podUid);
  }

  forget(podUid: string): void {
    this.#checkpoint.remove(keyOf(podUid));
    this.#tell(podUid);
  }

  onChange(listener: (podUid: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(podUid: string): void {
    for (const listener of this.#listeners) listener(podUid);
  }
}

/** A pod with the status that is kept of it: what others have written meanwhile, in conditions of their own, stays. */
export function withKeptStatus(pod: Pod, kept: PodStatus): Pod {
  const own = kept.conditions ?? [];
  const others = (pod.status.conditions ?? []).filter(({ type }) =>
    !own.some((condition) => condition.type === type)
  );
  return { ...pod, status: { ...kept, conditions: [...own, ...others] } };
}

function keyOf(podUid: string): Key {
  return [OWN_KINDS.statuses, "", podUid];
}
