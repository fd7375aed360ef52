import { createHash } from "node:crypto";
import { ApiError } from "../../client/api_error.ts";
import { builtFrom } from "../../resources/catalog.ts";
import { compareVersions } from "../../schema/versions.ts";
import { apiVersionOf } from "../../resources/resource.ts";
import type { SubresourceBody } from "../../resources/subresource.ts";
import { clausesOf } from "../http/accept.ts";
import { aggregatedRemote, type RemoteVersion } from "./remote_version.ts";
import type { ServedKind, ServedKinds } from "./served_kinds.ts";
import { subresourcesOf } from "../../objects/subresources/mod.ts";

/** A document and its Content-Type. */
export interface Document {
  body: unknown;
  contentType: string;
}

/** A kind that is only created, never stored, e.g. SelfSubjectAccessReview. */
export interface VirtualKind {
  group: string;
  version: string;
  kind: string;
  plural: string;
  /** Default: it has no namespace. */
  namespaced?: boolean;
}

interface GroupVersion {
  group: string;
  version: string;
  kinds: readonly ServedKind[];
  virtual: readonly VirtualKind[];
  /** Somebody else serves it. */
  remote?: RemoteVersion;
}

const PLAIN = "application/json";

/** Tells clients what is served: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api */
export class Discovery {
  readonly #versions: () => readonly GroupVersion[];

  constructor(kinds: ServedKinds, virtual: readonly VirtualKind[]) {
    this.#versions = builtFrom(kinds, () => groupVersions(kinds, virtual));
  }

  /** GET /api and /apis: aggregated discovery if the client accepts it, else the legacy form. */
  root(
    path: "/api" | "/apis",
    accept: string | undefined,
    host: string,
    remote: readonly RemoteVersion[] = [],
  ): Document {
    const versions = withRemote(this.#versions(), remote)
      .filter(({ group }) => (group === "") === (path === "/api"));
    for (const { type, parameters } of clausesOf(accept)) {
      if (type === PLAIN && parameters.get("as") === "APIGroupDiscoveryList") {
        const version = parameters.get("v");
        const isOurs = parameters.get("g") === "apidiscovery.k8s.io";
        if (isOurs && (version === "v2" || version === "v2beta1")) {
          return aggregated(versions, version);
        }
      } else if ([PLAIN, "*/*", "application/*"].includes(type)) break;
    }
    return plain(path === "/api" ? coreVersions(versions, host) : groupList(versions));
  }

  /** GET /apis/GROUP. */
  group(group: string, remote: readonly RemoteVersion[] = []): Document {
    const versions = withRemote(this.#versions(), remote)
      .filter((version) => version.group === group && group !== "");
    if (versions.length === 0) throw notFound();
    return plain({ kind: "APIGroup", apiVersion: "v1", ...groupOf(versions) });
  }

  /** GET /api/v1 and /apis/GROUP/VERSION. */
  version(group: string, version: string): Document {
    const found = this.#versions().find((one) => one.group === group && one.version === version);
    if (!found) throw notFound();
    return plain({
      kind: "APIResourceList",
      apiVersion: "v1",
      groupVersion: apiVersionOf(found),
      resources: [...found.kinds.flatMap(resourcesOf), ...found.virtual.map(virtualResource)],
    });
  }
}

/** The answer to an unknown path. */
export function notFound(): ApiError {
  return new ApiError("NotFound", "the server could not find the requested resource");
}

function groupVersions(kinds: ServedKinds, virtual: readonly VirtualKind[]): GroupVersion[] {
  const versions: GroupVersion[] = [...kinds.byGroup()].flatMap(([group, byVersion]) =>
    [...byVersion].map(([version, kinds]) => ({
      group,
      version,
      kinds,
      virtual: virtual.filter((one) => one.group === group && one.version === version),
    }))
  );
  for (const one of virtual) {
    if (versions.some(({ group, version }) => group === one.group && version === one.version)) {
      continue;
    }
    const { group, version } = one;
    const together = virtual.filter((other) => other.group === group && other.version === version);
    versions.push({ group, version, kinds: [], virtual: together });
  }
  return versions;
}

function withRemote(
  own: readonly GroupVersion[],
  remote: readonly RemoteVersion[],
): readonly GroupVersion[] {
  if (remote.length === 0) return own;
  const others = remote.filter((one) =>
    !own.some(({ group, version }) => group === one.group && version === one.version)
  );
  return [...own, ...others.map((one) => ({ ...one, kinds: [], virtual: [], remote: one }))];
}

function plain(body: unknown): Document {
  return { body, contentType: PLAIN };
}

function coreVersions(versions: readonly GroupVersion[], host: string): unknown {
  return {
    kind: "APIVersions",
    versions: versions.map(({ version }) => version),
    serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress: host }],
  };
}

function groupList(versions: readonly GroupVersion[]): unknown {
  const groups = Map.groupBy(versions, ({ group }) => group);
  return { kind: "APIGroupList", apiVersion: "v1", groups: [...groups.values()].map(groupOf) };
}

/** The first is the preferred one. */
function inOrder(versions: readonly GroupVersion[]): readonly GroupVersion[] {
  return versions.toSorted((a, b) => compareVersions(a.version, b.version));
}

function groupOf(versions: readonly GroupVersion[]) {
  const named = inOrder(versions).map((one) => ({
    groupVersion: apiVersionOf(one),
    version: one.version,
  }));
  return { name: versions[0]!.group, versions: named, preferredVersion: named[0] };
}

function resourcesOf(kind: ServedKind): unknown[] {
  const { plural, singular, namespaced, shortNames, categories } = kind.resource;
  const common = { singularName: "", namespaced };
  return [
    {
      name: plural,
      singularName: singular,
      namespaced,
      kind: kind.resource.kind,
      verbs: kind.resource.verbs,
      ...(shortNames.length ? { shortNames } : {}),
      ...(categories.length ? { categories } : {}),
      ...(kind.resource.verbs.includes("get") ? { storageVersionHash: storageHashOf(kind) } : {}),
    },
    ...subresourcesOf(kind.resource).map(({ name, verbs, body }) => {
      const isForeign = body && (body.group !== kind.group || body.version !== kind.version);
      const own = isForeign ? kindOf(body) : { kind: body?.kind ?? kind.resource.kind };
      return { name: `${plural}/${name}`, ...common, ...own, verbs };
    }),
  ];
}

/** By which clients can tell that a kind is stored in another version than before. */
function storageHashOf({ resource }: ServedKind): string {
  const { group, version, kind, storageVersion = version } = resource;
  const digest = createHash("sha256").update(`${group}/${storageVersion}/${kind}`).digest();
  return digest.subarray(0, 8).toString("base64");
}

function kindOf({ group, version, kind }: SubresourceBody) {
  return { group, version, kind };
}

function virtualResource({ plural, kind, namespaced = false }: VirtualKind): unknown {
  const singularName = kind.toLowerCase();
  return { name: plural, singularName, namespaced, kind, verbs: ["create"] };
}

/** Aggregated discovery: KEP-3352. */
function aggregated(versions: readonly GroupVersion[], version: "v2" | "v2beta1"): Document {
  const groups = Map.groupBy(versions, ({ group }) => group);
  return {
    contentType: `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
    body: {
      kind: "APIGroupDiscoveryList",
      apiVersion: `apidiscovery.k8s.io/${version}`,
      metadata: {},
      items: [...groups].map(([name, versions]) => ({
        metadata: { ...(name ? { name } : {}), creationTimestamp: null },
        versions: inOrder(versions).map(aggregatedVersion),
      })),
    },
  };
}

function aggregatedVersion({ version, kinds, virtual, remote }: GroupVersion): unknown {
  if (remote) return aggregatedRemote(remote);
  return {
    version,
    resources: [...kinds.map(aggregatedResource), ...virtual.map(aggregatedVirtual)],
    freshness: "Current",
  };
}

function aggregatedResource(kind: ServedKind): unknown {
  const { plural, singular, namespaced, shortNames, categories } = kind.resource;
  const own = { group: kind.group, version: kind.version, kind: kind.resource.kind };
  const subresources = subresourcesOf(kind.resource).map(({ name, verbs, body }) => (
    { subresource: name, responseKind: body ? kindOf(body) : own, verbs }
  ));
  return {
    resource: plural,
    responseKind: own,
    scope: namespaced ? "Namespaced" : "Cluster",
    singularResource: singular,
    verbs: kind.resource.verbs,
    ...(shortNames.length ? { shortNames } : {}),
    ...(categories.length ? { categories } : {}),
    ...(subresources.length ? { subresources } : {}),
  };
}

function aggregatedVirtual(
  { group, version, kind, plural, namespaced }: VirtualKind,
): unknown {
  return {
    resource: plural,
    responseKind: { group, version, kind },
    scope: namespaced ? "Namespaced" : "Cluster",
    singularResource: kind.toLowerCase(),
    verbs: ["create"],
  };
}
