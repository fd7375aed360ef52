import type { Draft, ObjectName, View } from "../../../../client/client.ts";
import { isEqual } from "../../../../lib/equality.ts";
import { groupResourceOf, type KubeObject, type Resource } from "../../../../resources/resource.ts";
import { create, update, type Write } from "../../../runtime/controller.ts";

interface Change {
  readonly before: KubeObject;
  readonly now: KubeObject;
  write(): Write;
}

/**
 * Objects as one look wants them: the view's, with what was changed since. However often an object is changed, it is
 * written once, and not at all when nothing came of it.
 */
export class StagedObjects {
  readonly view: View;
  readonly #changes = new Map<string, Change>();
  readonly #made: Write[] = [];

  constructor(view: View) {
    this.view = view;
  }

  /** The object with all changes so far; `undefined` when it is not there. */
  get<T extends KubeObject>(resource: Resource<T>, name: ObjectName): T | undefined {
    const change = this.#changes.get(keyOf(resource, name));
    return change ? change.now as T : this.view.get(resource, name);
  }

  /** Changes an object that is there. */
  put<T extends KubeObject>(resource: Resource<T>, now: T): void {
    const key = keyOf(resource, now.metadata);
    const before = this.#changes.get(key)?.before ?? this.view.get(resource, now.metadata)!;
    this.#changes.set(key, { before, now, write: () => update(resource, now) });
  }

  /** Makes an object; it is there from the next look on. */
  make<T extends KubeObject>(resource: Resource<T>, draft: Draft<T>): void {
    this.#made.push(create(resource, draft));
  }

  /** Whether the object is to be written. */
  isChanged<T extends KubeObject>(resource: Resource<T>, name: ObjectName): boolean {
    const change = this.#changes.get(keyOf(resource, name));
    return change !== undefined && !isEqual(change.before, change.now);
  }

  get writes(): Write[] {
    const changed = [...this.#changes.values()].filter(({ before, now }) => !isEqual(before, now));
    return [...this.#made, ...changed.map((change) => change.write())];
  }
}

function keyOf<T extends KubeObject>(
  resource: Resource<T>,
  { namespace = "", name }: ObjectName,
): string {
  return `${groupResourceOf(resource)}/${namespace}/${name}`;
}
