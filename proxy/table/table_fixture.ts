import type { View } from "../../core/client/client.ts";
import { check } from "../../core/schema/check.ts";
import { RESOURCES } from "../../core/resources/mod.ts";
import type { AnyResource, KubeObject, Resource } from "../../core/resources/resource.ts";

/** An object as a manifest says it; name alone is enough metadata. */
export interface Manifest {
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    creationTimestamp?: string;
    labels?: object;
    annotations?: object;
  };
  spec?: unknown;
  [field: string]: unknown;
}

/** Objects that stand still, or change when a test says so, as a View. */
export class FixedView implements View {
  #objects: KubeObject[] = [];
  readonly #listeners = new Set<() => void>();

  constructor(...manifests: Manifest[]) {
    this.set(...manifests);
  }

  /** Puts these in place of all that was there. */
  set(...manifests: Manifest[]): void {
    this.#objects = manifests.map(objectOf);
    for (const listener of this.#listeners) listener();
  }

  get<T extends KubeObject>(
    resource: Resource<T>,
    { namespace, name }: { namespace?: string; name: string },
  ): T | undefined {
    return this.list(resource).find(({ metadata }) =>
      metadata.name === name && (!resource.namespaced || metadata.namespace === namespace)
    );
  }

  list<T extends KubeObject>(resource: Resource<T>): readonly T[] {
    return this.#objects.filter(({ kind }) => kind === resource.kind) as T[]; // told by their kind
  }

  by<T extends KubeObject>(resource: Resource<T>, index: string, value: string): readonly T[] {
    return this.list(resource).filter((object) => resource.indexes[index]!(object).includes(value));
  }

  /** Listeners are only told that something has changed: who marks things dirty needs no more. */
  subscribe(_resource: unknown, listener: (event: never) => void): () => void {
    const tell = () => listener({ type: "MODIFIED", object: {} } as never);
    this.#listeners.add(tell);
    return () => this.#listeners.delete(tell);
  }
}

function objectOf(manifest: Manifest): KubeObject {
  const resource: AnyResource = RESOURCES.find(({ kind }) => kind === manifest.kind)!;
  const { value, causes } = check(
    resource.schema,
    structuredClone({
      apiVersion: "any",
      ...manifest,
      metadata: {
        ...(resource.namespaced ? { namespace: "default" } : {}),
        uid: manifest.metadata.name,
        resourceVersion: "1",
        creationTimestamp: "2026-01-01T00:00:00Z",
        ...manifest.metadata,
      },
    }),
  );
  if (causes.length > 0) throw new Error(`Cannot make ${manifest.kind}: ${JSON.stringify(causes)}`);
  return value as KubeObject; // checked against the schema of its kind
}

export const GATEWAY_CLASS: Manifest = {
  kind: "GatewayClass",
  metadata: { name: "coracle" },
  spec: { controllerName: "coracle.dev/gateway-controller" },
};

/** A Gateway of our class; its listeners are of protocol HTTP unless they say otherwise. */
export function gateway(name: string, ...listeners: object[]): Manifest {
  return {
    kind: "Gateway",
    metadata: { name },
    spec: {
      gatewayClassName: "coracle",
      listeners: listeners.map((listener) => ({
        name: "web",
        protocol: "HTTP",
        port: 80,
        ...listener,
      })),
    },
  };
}

/** An HTTPRoute of the Gateway `gw`. */
export function route(name: string, spec: object, metadata: object = {}): Manifest {
  return {
    kind: "HTTPRoute",
    metadata: { name, ...metadata },
    spec: { parentRefs: [{ name: "gw" }], ...spec },
  };
}

/** A rule that sends what fits `path` to `service`. */
export function rule(
  path: string,
  service: string,
  more: object = {},
  type = "PathPrefix",
): object {
  return {
    matches: [{ path: { type, value: path } }],
    backendRefs: [{ name: service, port: 80 }],
    ...more,
  };
}

/** A Service with port 80 and its EndpointSlice: `addresses`, or endpoints with their conditions. */
export function service(name: string, ...endpoints: (string | object)[]): Manifest[] {
  return [
    {
      kind: "Service",
      metadata: { name },
      spec: { ports: [{ name: "http", port: 80, targetPort: "web" }] },
    },
    {
      kind: "EndpointSlice",
      metadata: { name: `${name}-1`, labels: { "kubernetes.io/service-name": name } },
      addressType: "IPv4",
      ports: [{ name: "http", port: 8080 }],
      endpoints: endpoints.map((endpoint) =>
        typeof endpoint === "string"
          ? { addresses: [endpoint], conditions: { ready: true }, targetRef: { uid: endpoint } }
          : endpoint
      ),
    },
  ];
}
