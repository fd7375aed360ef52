import assert from "node:assert/strict";
import { configMap, type FieldCase, isOver, secret, under } from "./field_case.ts";
import { podOf, type ProcessCluster } from "./process_cluster.ts";

const SOURCE = "volumes[].projected.sources[]";
const KEYS = ["name", "items[].key", "items[].path", "items[].mode", "optional"];
const OF_POD = [
  ...["items[].path", "items[].mode", "items[].fieldRef.apiVersion", "items[].fieldRef.fieldPath"],
  ...under("items[].resourceFieldRef", "containerName", "resource", "divisor"),
];
const TOKEN_MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/** Files made of several sources, of the pod itself, and of its service account. */
export const PROJECTED_CASES: readonly FieldCase<ProcessCluster>[] = [
  {
    name: "fields of the pod and amounts of a container are files",
    fields: under("volumes[].downwardAPI", ...OF_POD, "defaultMode"),
    run: (cluster) =>
      files(cluster, "downward", { downwardAPI: { defaultMode: 0o640, items: OWN_ITEMS } }, OWN),
  },
  {
    name: "one volume holds keys of ConfigMaps and Secrets, and fields of the pod",
    fields: [
      ...under(`${SOURCE}.configMap`, ...KEYS),
      ...under(`${SOURCE}.secret`, ...KEYS),
      ...under(`${SOURCE}.downwardAPI`, ...OF_POD),
      "volumes[].projected.defaultMode",
    ],
    run: projected,
  },
  {
    name: "a pod has a token of its service account, for whom and as long as it says",
    fields: [
      ...under(`${SOURCE}.serviceAccountToken`, "audience", "expirationSeconds", "path"),
      ...["serviceAccountName", "automountServiceAccountToken"],
    ],
    run: token,
  },
];

const OWN_ITEMS = [
  { path: "own/name", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } },
  {
    ...{ path: "own/cpu", mode: 0o400 },
    resourceFieldRef: { containerName: "main", resource: "limits.cpu", divisor: "1m" },
  },
];
const OWN = { "own/name": "640 default", "own/cpu": "400 250" };

/** Each file has a mode and a content. */
async function files(
  cluster: ProcessCluster,
  name: string,
  source: object,
  wanted: Readonly<Record<string, string>>,
): Promise<void> {
  const mountPath = `${cluster.dataFolder}/at/${name}`;
  const paths = Object.keys(wanted);
  const container = {
    ...{ name: "main", resources: { limits: { cpu: "250m" } } },
    volumeMounts: [{ name: "files", mountPath }],
  };
  await cluster.apply(podOf(name, {
    script: `cd ${mountPath}; for f in ${paths.join(" ")}; do ` +
      `echo "$f $(stat -L -c %a $f) $(cat $f)"; done`,
    container,
    spec: { volumes: [{ name: "files", ...source }] },
  }));
  await cluster.podWhen(name, isOver);
  const lines = paths.map((path) => `${path} ${wanted[path]}\n`);
  assert.equal(await cluster.logs(name), lines.join(""));
}

async function projected(cluster: ProcessCluster): Promise<void> {
  await cluster.apply(configMap("parts", { a: "1" }), secret("parts", { a: "2" }));
  const keys = (path: string, mode?: number) => [{ key: "a", path, ...mode && { mode } }];
  const sources = [
    { configMap: { name: "parts", items: keys("map/a", 0o400) } },
    { secret: { name: "parts", items: keys("secret/a", 0o440) } },
    { configMap: { name: "parts", items: keys("b") } },
    { configMap: { name: "absent", optional: true } },
    { secret: { name: "absent", optional: true } },
    { downwardAPI: { items: OWN_ITEMS } },
  ];
  const wanted = { "map/a": "400 1", "secret/a": "440 2", b: "640 1", ...OWN };
  await files(cluster, "projected", { projected: { defaultMode: 0o640, sources } }, wanted);
}

async function token(cluster: ProcessCluster): Promise<void> {
  const mountPath = `${cluster.dataFolder}/at/token`;
  const serviceAccountToken = { audience: "harbour", expirationSeconds: 700, path: "own/token" };
  await cluster.apply(
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "sailors" } },
    podOf("token", {
      script: `cat ${mountPath}/own/token`,
      container: { volumeMounts: [{ name: "token", mountPath }] },
      spec: {
        ...{ serviceAccountName: "sailors", automountServiceAccountToken: false },
        volumes: [{ name: "token", projected: { sources: [{ serviceAccountToken }] } }],
      },
    }),
    podOf("token-of-all", { script: "true" }),
  );
  const pods = await Promise.all(
    ["token", "token-of-all"].map((name) => cluster.podWhen(name, isOver)),
  );
  const hasMount = pods.map(({ spec }) =>
    spec.containers[0]!.volumeMounts?.some(({ mountPath }) => mountPath === TOKEN_MOUNT)
  );
  assert.deepEqual(hasMount, [false, true]);
  const claims = JSON.parse(atob((await cluster.logs("token")).split(".")[1]!));
  assert.deepEqual(claims.aud, ["harbour"]);
  assert.equal(claims.sub, "system:serviceaccount:default:sailors");
  assert.equal(claims.exp - claims.iat, 700);
}
