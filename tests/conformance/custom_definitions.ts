/**
 * Definitions with what those of well-known projects make use of, each with an object that is valid, one that is not,
 * and a field three levels down.
 */
export interface Project {
  /** What its manifests are like. */
  name: string;
  group: string;
  kind: string;
  plural: string;
  definition: object;
  valid: object;
  invalid: object;
  /** What is said of the invalid one. */
  said: RegExp;
  explained: string;
}

const text = { type: "string" };
const texts = { type: "array", items: text };
const integer = { type: "integer" };
const object = (properties: object, more: object = {}) => ({ type: "object", properties, ...more });
const conditions = {
  type: "array",
  items: object({ type: text, status: { ...text, enum: ["True", "False", "Unknown"] } }, {
    required: ["type", "status"],
  }),
  "x-kubernetes-list-type": "map",
  "x-kubernetes-list-map-keys": ["type"],
};

interface Shape {
  name: string;
  group: string;
  kind: string;
  version?: string;
  spec: object;
  more?: object;
  annotations?: object;
  valid: object;
  invalid: object;
  said: RegExp;
  explained: string;
}

function project(shape: Shape): Project {
  const { name, group, kind, version = "v1", spec, more = {}, annotations = {} } = shape;
  const plural = `${kind.toLowerCase()}s`;
  const schema = object({ spec, status: object({ conditions }) });
  const made = (name: string, spec: object) => (
    { apiVersion: `${group}/${version}`, kind, metadata: { name }, spec }
  );
  return {
    ...{ name, group, kind, plural, said: shape.said, explained: shape.explained },
    definition: {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: `${plural}.${group}`, annotations },
      spec: {
        group,
        scope: "Namespaced",
        names: { plural, kind },
        versions: [{
          ...{ name: version, served: true, storage: true, schema: { openAPIV3Schema: schema } },
          subresources: { status: {} },
          ...more,
        }],
      },
    },
    valid: made("good", shape.valid),
    invalid: made("bad", shape.invalid),
  };
}

const DURATION = "^(0|(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$";

export const PROJECTS: readonly Project[] = [
  project({
    name: "certificates of an issuer",
    group: "certs.example.io",
    kind: "Certificate",
    spec: object({
      secretName: text,
      dnsNames: texts,
      privateKey: object({
        algorithm: { ...text, enum: ["RSA", "ECDSA", "Ed25519"], default: "RSA" },
        size: { ...integer, description: "Bits of the key." },
      }),
    }, { required: ["secretName"] }),
    more: {
      additionalPrinterColumns: [{ name: "Secret", type: "string", jsonPath: ".spec.secretName" }],
    },
    valid: { secretName: "tls", privateKey: { size: 2048 } },
    invalid: { privateKey: { algorithm: "DSA" } },
    said: /spec.privateKey.algorithm: Unsupported value: "DSA"[^]*spec.secretName: Required value/,
    explained: "spec.privateKey.size",
  }),
  project({
    name: "routes of a gateway",
    group: "routes.k8s.io",
    kind: "StreamRoute",
    annotations: { "api-approved.kubernetes.io": "https://example.com/1" },
    spec: object({
      rules: {
        type: "array",
        maxItems: 16,
        items: object({
          backends: {
            type: "array",
            maxItems: 16,
            items: object({
              name: text,
              kind: text,
              port: { ...integer, description: "Where to." },
            }),
          },
        }),
        "x-kubernetes-validations": [{
          rule:
            "self.all(r, !has(r.backends) || r.backends.all(b, b.kind != 'Service' || has(b.port)))",
          message: "a Service needs a port",
        }],
      },
    }),
    valid: { rules: [{ backends: [{ name: "a", kind: "Service", port: 80 }] }] },
    invalid: { rules: [{ backends: [{ name: "a", kind: "Service" }] }] },
    said: /spec.rules: Invalid value: "array": a Service needs a port/,
    explained: "spec.rules.backends.port",
  }),
  project({
    name: "rollouts",
    group: "rollouts.example.io",
    kind: "Canary",
    spec: object({
      replicas: integer,
      template: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
      strategy: object({
        maxSurge: { "x-kubernetes-int-or-string": true, description: "Extra pods." },
      }),
    }),
    more: {
      subresources: {
        status: {},
        scale: { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.replicas" },
      },
    },
    valid: { replicas: 2, template: { spec: { anything: [1] } }, strategy: { maxSurge: "25%" } },
    invalid: { replicas: -1, strategy: { maxSurge: "1" } },
    said: /\.spec\.replicas: Invalid value: -1: should be a non-negative integer/,
    explained: "spec.strategy.maxSurge",
  }),
  project({
    name: "monitors of services",
    group: "monitoring.example.io",
    kind: "Monitor",
    spec: object({
      endpoints: {
        type: "array",
        items: object({ interval: { ...text, pattern: DURATION, description: "How often." } }),
      },
      selector: object({ matchLabels: { type: "object", additionalProperties: text } }, {
        "x-kubernetes-map-type": "atomic",
      }),
    }),
    valid: { endpoints: [{ interval: "1m30s" }], selector: { matchLabels: { a: "b" } } },
    invalid: { endpoints: [{ interval: "often" }] },
    said: /spec.endpoints\[0\].interval in body should match/,
    explained: "spec.endpoints.interval",
  }),
  project({
    name: "routes of a proxy",
    group: "proxy.example.io",
    kind: "EdgeRoute",
    version: "v1alpha1",
    spec: object({
      routes: {
        type: "array",
        items: object({
          match: text,
          tls: object({ mode: text }, { nullable: true }),
          priority: { ...integer, description: "Larger first.", maximum: 9 },
        }, { required: ["match"] }),
      },
    }, { required: ["routes"] }),
    valid: { routes: [{ match: "Host(`a`)", tls: null }] },
    invalid: { routes: [{ match: "x", priority: 10 }] },
    said: /spec.routes\[0\].priority in body should be less than or equal to 9/,
    explained: "spec.routes.priority",
  }),
  project({
    name: "pools of addresses",
    group: "pools.example.io",
    kind: "Pool",
    version: "v1beta1",
    spec: object({
      addresses: { type: "array", minItems: 1, items: { ...text, format: "cidr" } },
      autoAssign: { type: "boolean", default: true },
      allocation: object({ priority: { ...integer, description: "Smaller first." } }),
    }),
    valid: { addresses: ["10.1.0.0/16"] },
    invalid: { addresses: ["10.1.0.0/99"] },
    said: /spec.addresses\[0\] in body must be of type cidr: "10.1.0.0\/99"/,
    explained: "spec.allocation.priority",
  }),
  project({
    name: "volumes of a storage system",
    group: "storage.example.io",
    kind: "Replica",
    version: "v1beta2",
    spec: object({
      size: { ...text, format: "int64" },
      disks: { type: "object", additionalProperties: object({ path: text }) },
      snapshots: { type: "array", items: text, "x-kubernetes-list-type": "set" },
      engine: object({ image: { ...text, description: "What runs it." } }),
    }),
    valid: { size: "10", disks: { a: { path: "/x" } }, snapshots: ["a", "b"] },
    invalid: { disks: { a: { path: 5 } } },
    said: /spec.disks.a.path in body must be of type string: "integer"/,
    explained: "spec.engine.image",
  }),
];
