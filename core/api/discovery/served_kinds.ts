import { builtFrom, type Catalog } from "../../resources/catalog.ts";
import {
  type AnyResource,
  apiVersionOf,
  type KubeObject,
  type ServedVersion,
} from "../../resources/resource.ts";
import type { Schema } from "../../schema/schema.ts";

/** A stored object with its JSON: an entry of the store, or the result of a write. */
export interface Stored {
  readonly object: KubeObject;
  readonly bytes: Uint8Array;
}

const encoder = new TextEncoder();

/** A kind in one of the groups and versions in which it is served. */
export class ServedKind {
  /** Cached JSON of objects in a version that is not the stored one. */
  readonly #converted = new WeakMap<KubeObject, Uint8Array>();
  /** Entries whose JSON is that of this version, too. */
  readonly #unchanged = new WeakSet<Stored>();

  constructor(
    readonly resource: AnyResource,
    readonly conversion: ServedVersion<KubeObject> | undefined,
  ) {}

  get group(): string {
    return (this.conversion ?? this.resource).group;
  }
  get version(): string {
    return (this.conversion ?? this.resource).version;
  }
  get apiVersion(): string {
    return apiVersionOf(this);
  }
  get schema(): Schema {
    return (this.conversion ?? this.resource).schema;
  }

  /** Converts a stored object to this version. */
  show(object: KubeObject): KubeObject {
    return this.conversion ? this.conversion.fromStored(object) as KubeObject : object;
  }

  /** Converts an object of this version to the stored one. */
  store(object: unknown): unknown {
    return this.conversion ? this.conversion.toStored(object) : object;
  }

  /** JSON of the object in this version: the cached bytes of the store unless they need converting. */
  bytesOf(stored: Stored): Uint8Array {
    if (!this.conversion || this.#unchanged.has(stored)) return stored.bytes; // does not parse the object
    const { object } = stored;
    let converted = this.#converted.get(object);
    if (!converted) {
      const shown = this.show(object);
      if (shown === object) {
        this.#unchanged.add(stored);
        return stored.bytes;
      }
      converted = encoder.encode(JSON.stringify(shown));
      this.#converted.set(object, converted);
    }
    return converted;
  }
}

/** Every kind that the API serves, by group, version and plural. Follows the catalogue. */
export class ServedKinds {
  readonly #served: () => { all: readonly ServedKind[]; byPath: ReadonlyMap<string, ServedKind> };
  /** A kind that has not changed keeps its cache. */
  readonly #known = new WeakMap<AnyResource, readonly ServedKind[]>();

  constructor(catalog: Pick<Catalog, "all">) {
    this.#served = builtFrom(catalog, (resources) => {
      const all = resources.flatMap((resource) => this.#versionsOf(resource));
      const byPath = new Map(
        all.map((kind) => [pathOf(kind.group, kind.version, kind.resource.plural), kind]),
      );
      return { all, byPath };
    });
  }

  /** The same array until the catalogue changes. */
  get all(): readonly ServedKind[] {
    return this.#served().all;
  }

  find(group: string, version: string, plural: string): ServedKind | undefined {
    return this.#served().byPath.get(pathOf(group, version, plural));
  }

  /** The kinds of each group and version, groups in the order of their first kind, the core group first. */
  byGroup(): Map<string, Map<string, ServedKind[]>> {
    const groups = new Map<string, Map<string, ServedKind[]>>([["", new Map()]]);
    for (const kind of this.all) {
      const versions = groups.get(kind.group) ?? new Map<string, ServedKind[]>();
      groups.set(kind.group, versions);
      versions.set(kind.version, [...versions.get(kind.version) ?? [], kind]);
    }
    return groups;
  }

  #versionsOf(resource: AnyResource): readonly ServedKind[] {
    let versions = this.#known.get(resource);
    if (!versions) {
      versions = resource.versions?.map((version) =>
        new ServedKind(version, conversionOf(version))
      ) ??
        [undefined, ...resource.servedVersions].map((version) => new ServedKind(resource, version));
      this.#known.set(resource, versions);
    }
    return versions;
  }
}

/** What Kubernetes' refusals call the Go type of a kind, or of its list. Custom resources have none of their own. */
export function goTypeOf({ resource }: ServedKind, name: string): string {
  if (resource.reading) {
    return `*unstructured.Unstructured${name === resource.kind ? "" : "List"}`;
  }
  return `*${resource.group.split(".", 1)[0] || "core"}.${name}`;
}

/** Of a version of a custom resource: it is stored in another one, perhaps, and without the newest defaults. */
function conversionOf(
  { group, version, schema, reading }: AnyResource,
): ServedVersion<KubeObject> | undefined {
  if (!reading) return undefined;
  return {
    ...{ group, version, schema },
    fromStored: (object) => reading.fromStored(object),
    toStored: (object) => reading.toStored(object as KubeObject),
  };
}

function pathOf(group: string, version: string, plural: string): string {
  return `${group}/${version}/${plural}`;
}
