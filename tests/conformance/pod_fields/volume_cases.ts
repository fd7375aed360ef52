import assert from "node:assert/strict";
import { configMap, type FieldCase, isOver, secret, under } from "./field_case.ts";
import { podOf, type ProcessCluster } from "./process_cluster.ts";

const MOUNT = "containers[].volumeMounts[]";
const ITEMS = ["items[].key", "items[].path", "items[].mode", "defaultMode", "optional"];

/** Files that containers see. */
export const VOLUME_CASES: readonly FieldCase<ProcessCluster>[] = [
  {
    name: "a volume is mounted by its name, at a path, whole or in part, to be written or not",
    fields: [
      "volumes[].name",
      ...under(MOUNT, "name", "mountPath", "readOnly", "subPath", "subPathExpr"),
    ],
    run: mounts,
  },
  {
    name: "an emptyDir in memory holds as much as it may",
    fields: under("volumes[].emptyDir", "medium", "sizeLimit"),
    run: memory,
  },
  {
    name: "a hostPath is a path of the node, of the type that is asked for",
    fields: under("volumes[].hostPath", "path", "type"),
    run: hostPath,
  },
  {
    name: "keys of a ConfigMap are files with paths and modes",
    fields: under("volumes[].configMap", "name", ...ITEMS),
    run: (cluster) => projections(cluster, "configMap", { name: "files" }),
  },
  {
    name: "keys of a Secret are files with paths and modes",
    fields: under("volumes[].secret", "secretName", ...ITEMS),
    run: (cluster) => projections(cluster, "secret", { secretName: "files" }),
  },
];

async function mounts(cluster: ProcessCluster): Promise<void> {
  const at = (name: string) => `${cluster.dataFolder}/at/${name}`;
  const script = [
    `echo whole > ${at("whole")}/file`,
    `echo part > ${at("part")}/file`,
    `cat ${at("whole")}/file ${at("whole")}/deep/part/file ${at("expr")}/file`,
    `touch ${at("read-only")}/x 2>/dev/null || echo read-only`,
    `ls ${at("other")}`,
  ].join("\n");
  const mount = (name: string, more: object = {}) => ({
    ...{ name: "shared", mountPath: at(name), ...more },
  });
  await cluster.apply(podOf("mounts", {
    script,
    container: {
      env: [{ name: "WHICH", value: "part" }],
      volumeMounts: [
        mount("whole"),
        mount("part", { subPath: "deep/part" }),
        mount("expr", { subPathExpr: "deep/$(WHICH)" }),
        mount("read-only", { readOnly: true }),
        mount("other", { name: "other" }),
      ],
    },
    spec: { volumes: [{ name: "shared", emptyDir: {} }, { name: "other", emptyDir: {} }] },
  }));
  await cluster.podWhen("mounts", isOver);
  assert.equal(await cluster.logs("mounts"), "whole\npart\npart\nread-only\n");
}

async function memory(cluster: ProcessCluster): Promise<void> {
  const mountPath = `${cluster.dataFolder}/at/memory`;
  await cluster.apply(podOf("memory", {
    script: `stat -f -c %T ${mountPath}; ` +
      `dd if=/dev/zero of=${mountPath}/x bs=1M count=4 2>/dev/null || echo full`,
    container: { volumeMounts: [{ name: "fast", mountPath }] },
    spec: { volumes: [{ name: "fast", emptyDir: { medium: "Memory", sizeLimit: "2Mi" } }] },
  }));
  await cluster.podWhen("memory", isOver);
  assert.equal(await cluster.logs("memory"), "tmpfs\nfull\n");
}

async function hostPath(cluster: ProcessCluster): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "coracle-host-" });
  const path = `${folder}/host/made`;
  const mountPath = `${cluster.dataFolder}/at/host`;
  const pod = (name: string, type: string) =>
    podOf(name, {
      script: `echo hello > ${mountPath}/file`,
      container: { volumeMounts: [{ name: "host", mountPath }] },
      spec: { volumes: [{ name: "host", hostPath: { path, type } }] },
    });
  await cluster.apply(pod("host-path-absent", "Directory"));
  await failsToMount(cluster, "host-path-absent", /hostPath type check failed: .* is not a direct/);
  await cluster.apply(pod("host-path", "DirectoryOrCreate"));
  await cluster.podWhen("host-path", isOver);
  assert.equal(await Deno.readTextFile(`${path}/file`), "hello\n");
  await Deno.remove(folder, { recursive: true });
}

async function projections(
  cluster: ProcessCluster,
  kind: "configMap" | "secret",
  reference: object,
): Promise<void> {
  const name = `files-${kind.toLowerCase()}`;
  const mountPath = `${cluster.dataFolder}/at/${name}`;
  const pod = (name: string, source: object) =>
    podOf(name, {
      script: `cd ${mountPath}; stat -L -c '%a %s %n' one deep/two; ls; cat deep/two`,
      container: { volumeMounts: [{ name: "files", mountPath }] },
      spec: { volumes: [{ name: "files", [kind]: { ...reference, ...source } }] },
    });
  const data = { a: "1", b: "22\n", c: "333" };
  const items = [{ key: "a", path: "one" }, { key: "b", path: "deep/two", mode: 0o400 }];
  const missing = [...items, { key: "d", path: "four" }];
  await cluster.apply(
    kind === "secret" ? secret("files", data) : configMap("files", data),
    pod(name, { items, defaultMode: 0o640 }),
    pod(`${name}-optional`, { items: missing, defaultMode: 0o640, optional: true }),
    pod(`${name}-missing`, { items: missing }),
  );
  for (const each of [name, `${name}-optional`]) {
    await cluster.podWhen(each, isOver);
    assert.equal(await cluster.logs(each), "640 1 one\n400 3 deep/two\ndeep\none\n22\n", each);
  }
  const absent = kind === "secret"
    ? / : references non-existent secret key: d/
    : / : configmap references non-existent config key: d/;
  await failsToMount(cluster, `${name}-missing`, absent);
}

async function failsToMount(cluster: ProcessCluster, pod: string, message: RegExp): Promise<void> {
  await cluster.eventOf(pod, "FailedMount", message);
  await cluster.delete(pod);
}
