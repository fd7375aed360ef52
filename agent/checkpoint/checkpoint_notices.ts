import type { KeptNotices, WaitingNotice } from "../../core/client/event_recorder.ts";
import type { Key } from "../../core/store/store.ts";
import type { KeptValues } from "./kept_objects.ts";
import { OWN_KINDS } from "./own_kinds.ts";

const PREFIX = `${OWN_KINDS.events}//`;

/**
 * Keeps what there is to tell of a node, for an agent that starts before anybody could be told. None of it is written by
 * itself: what happens to pods changes their statuses too, and is written with these.
 */
export class CheckpointNotices implements KeptNotices {
  readonly #checkpoint: KeptValues;

  constructor(checkpoint: KeptValues) {
    this.#checkpoint = checkpoint;
  }

  all(): readonly (readonly [key: string, WaitingNotice])[] {
    return [...this.#checkpoint.values()].flatMap(([path, value]) =>
      path.startsWith(PREFIX)
        ? [[path.slice(PREFIX.length), value as WaitingNotice] as const] // as `keep` has put it
        : []
    ).toSorted(([, a], [, b]) => a.firstMs - b.firstMs);
  }

  /** Of the object only what names it. */
  keep(key: string, waiting: WaitingNotice): void {
    const { apiVersion, kind, metadata } = waiting.notice.about;
    const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
    const named = {
      ...{ name, uid, resourceVersion, creationTimestamp },
      ...(namespace !== undefined && { namespace }),
    };
    const notice = { ...waiting.notice, about: { apiVersion, kind, metadata: named } };
    this.#checkpoint.put(keyOf(key), { ...waiting, notice }, { isUrgent: false });
  }

  forget(key: string): void {
    this.#checkpoint.remove(keyOf(key));
  }
}

function keyOf(key: string): Key {
  return [OWN_KINDS.events, "", key];
}
