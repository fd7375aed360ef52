/**
 * What the shape of an object costs: a pod as a Deployment makes it, parsed, and checked on top. Checking
 * must stay cheaper than parsing. Run with `deno bench bench/schema.ts`.
 */
import { parseJson } from "../core/lib/json/json_text.ts";
import { check } from "../core/schema/check.ts";
import { parseManifests } from "../core/manifest/manifest.ts";
import { pods } from "../core/resources/core/pods/pods.ts";

const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: "web-7c5ddbdf54-x2x8k",
    namespace: "default",
    labels: { app: "web", tier: "front", "pod-template-hash": "7c5ddbdf54" },
    annotations: { "example.com/contact": "team-web@example.com" },
    ownerReferences: [{
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      name: "web-7c5ddbdf54",
      uid: "0b1e8a5e-7f4f-4a0f-9a60-0a0f3f1c8d11",
      controller: true,
      blockOwnerDeletion: true,
    }],
  },
  spec: {
    containers: ["web", "sidecar"].map((name) => ({
      name,
      image: `registry.example.com/${name}:1.2.3`,
      args: ["--listen", ":8080", "--verbose"],
      env: Array.from({ length: 8 }, (_, i) => ({ name: `NAME_${i}`, value: `value ${i}` })),
      ports: [{ name: "http", containerPort: 8080, protocol: "TCP" }],
      resources: { requests: { cpu: "100m", memory: "64Mi" }, limits: { memory: "128Mi" } },
      volumeMounts: [{ name: "data", mountPath: "/data" }],
      readinessProbe: { httpGet: { path: "/ready", port: 8080 }, periodSeconds: 5 },
      livenessProbe: { tcpSocket: { port: "http" }, initialDelaySeconds: 10 },
      securityContext: { runAsNonRoot: true, capabilities: { drop: ["ALL"] } },
    })),
    volumes: [{ name: "data", emptyDir: {} }],
    terminationGracePeriodSeconds: 30,
    nodeSelector: { "kubernetes.io/arch": "amd64" },
    tolerations: [{ key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute" }],
  },
};
const text = JSON.stringify(pod);
const bytes = new TextEncoder().encode(text);
const complete = JSON.stringify(check(pods.schema, JSON.parse(text)).value);
const stream = Array.from({ length: 10 }, () => JSON.stringify(pod, null, 2)).join("\n---\n");

Deno.bench("JSON.parse", { baseline: true }, () => void JSON.parse(text));
Deno.bench("parseJson of bytes", () => void parseJson(bytes, { depthMax: 64, valuesMax: 100_000 }));
Deno.bench("JSON.parse and check, defaults to fill", () => {
  check(pods.schema, JSON.parse(text));
});
Deno.bench("JSON.parse and check, nothing to fill", () => {
  check(pods.schema, JSON.parse(complete));
});
Deno.bench("JSON.parse of the same", () => void JSON.parse(complete));
Deno.bench("ten manifests in JSON", () => void parseManifests(stream));
