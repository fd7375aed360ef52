import type { JsonObject } from "../../lib/json/json_value.ts";
import { type AnyResource, apiVersionOf, type KubeObject } from "../../resources/resource.ts";
import type { ValueType } from "../../schema/fields/value_type.ts";
import { valueTypeOf } from "../../schema/fields/value_type.ts";

/** A kind in its versions, as objects are merged in them. */
export interface Versions {
  /** The version that is admitted. */
  readonly own: string;
  /** `undefined` for a version that the kind does not have. */
  typeOf(apiVersion: string): ValueType | undefined;
  /** An object in another version; `undefined` for a version that the kind does not have. */
  converted(object: JsonObject, from: string, to: string): JsonObject | undefined;
}

const known = new WeakMap<AnyResource, Versions>();

export function versionsOf(resource: AnyResource): Versions {
  let versions = known.get(resource);
  if (!versions) known.set(resource, versions = new VersionsOfKind(resource));
  return versions;
}

class VersionsOfKind implements Versions {
  readonly own: string;
  readonly #resource: AnyResource;

  constructor(resource: AnyResource) {
    this.#resource = resource;
    this.own = apiVersionOf(resource);
  }

  typeOf(apiVersion: string): ValueType | undefined {
    if (apiVersion === this.own) return valueTypeOf(this.#resource.schema);
    const version = this.#siblingAt(apiVersion) ?? this.#servedAs(apiVersion);
    return version && valueTypeOf(version.schema);
  }

  converted(object: JsonObject, from: string, to: string): JsonObject | undefined {
    if (from === to) return object;
    const stored = this.#stored(object as unknown as KubeObject, from);
    return stored && this.#shown(stored, to) as unknown as JsonObject | undefined;
  }

  #stored(object: KubeObject, from: string): KubeObject | undefined {
    const sibling = this.#siblingAt(from);
    if (sibling) return sibling.reading!.toStored(object);
    const served = this.#servedAs(from);
    if (served) return served.toStored(object) as KubeObject; // a conversion gives whole objects
    return from === this.own ? object : undefined;
  }

  #shown(stored: KubeObject, to: string): KubeObject | undefined {
    const sibling = this.#siblingAt(to);
    if (sibling) return sibling.reading!.fromStored(stored);
    const served = this.#servedAs(to);
    if (served) return served.fromStored(stored) as KubeObject; // a conversion gives whole objects
    return to === this.own ? stored : undefined;
  }

  /** A version that is a kind of its own, with its own reading. */
  #siblingAt(apiVersion: string): AnyResource | undefined {
    const { reading, siblings } = this.#resource;
    if (!reading) return undefined;
    if (apiVersion === this.own) return this.#resource;
    return siblings?.().find((sibling) => apiVersionOf(sibling) === apiVersion);
  }

  #servedAs(apiVersion: string): AnyResource["servedVersions"][number] | undefined {
    return this.#resource.servedVersions.find((version) => apiVersionOf(version) === apiVersion);
  }
}
