import assert from "node:assert/strict";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { hasStorageLimit, storageExcessOf } from "./storage_limits.ts";

const MI = 1024 * 1024;

function podOf({ volumes = [], containers = [{}], initContainers = [] }: {
  volumes?: object[];
  containers?: { limit?: string }[];
  initContainers?: { limit?: string }[];
}): Pod {
  const made = (name: string) => ({ limit }: { limit?: string }, i: number) => ({
    name: `${name}${i}`,
    resources: limit === undefined ? {} : { limits: { "ephemeral-storage": limit } },
  });
  const spec = {
    volumes,
    containers: containers.map(made("c")),
    initContainers: initContainers.map(made("i")),
  };
  return { metadata: { name: "p" }, spec } as unknown as Pod; // what is read of it
}

const dir = (name: string, emptyDir: object) => ({ name, emptyDir });

/** A pod, what its volumes and containers keep in MiB, and why it is evicted. */
const CASES: [
  string,
  Pod,
  { dirs?: Record<string, number>; containers?: Record<string, number> },
  string | undefined,
][] = [
  ["as much as the limit is no more", podOf({ volumes: [dir("a", { sizeLimit: "1Mi" })] }), {
    dirs: { a: 1 },
  }, undefined],
  ["more than the limit", podOf({ volumes: [dir("a", { sizeLimit: "1Mi" })] }), {
    dirs: { a: 1.5 },
  }, 'Usage of EmptyDir volume "a" exceeds the limit "1Mi". '],
  [
    "the first that is over its limit",
    podOf({
      volumes: [dir("a", { sizeLimit: "9Mi" }), dir("b", {}), dir("c", { sizeLimit: "1Mi" })],
    }),
    { dirs: { a: 8, b: 100, c: 2 } },
    'Usage of EmptyDir volume "c" exceeds the limit "1Mi". ',
  ],
  ["no limit", podOf({ volumes: [dir("a", { sizeLimit: "0" })] }), { dirs: { a: 9 } }, undefined],
  [
    "memory has its own limit",
    podOf({
      volumes: [dir("a", { sizeLimit: "1Mi", medium: "Memory" })],
    }),
    { dirs: { a: 9 } },
    undefined,
  ],
  [
    "all of a pod together",
    podOf({ containers: [{ limit: "2Mi" }, { limit: "1Mi" }], volumes: [dir("a", {})] }),
    { dirs: { a: 2 }, containers: { c0: 1, c1: 1 } },
    "Pod ephemeral local storage usage exceeds the total limit of containers 3Mi. ",
  ],
  [
    "an init container may have more",
    podOf({ containers: [{ limit: "2Mi" }], initContainers: [{ limit: "9Mi" }] }),
    { dirs: { a: 5 }, containers: { c0: 1 } },
    undefined,
  ],
  [
    "one container",
    podOf({ containers: [{ limit: "2Mi" }, { limit: "5Mi" }] }),
    { containers: { c0: 3, c1: 1 } },
    'Container c0 exceeded its local ephemeral storage limit "2Mi". ',
  ],
];

for (const [what, pod, { dirs = {}, containers = {} }, expected] of CASES) {
  Deno.test(`what a pod keeps on the disk: ${what}`, () => {
    const bytes = (record: Record<string, number>) =>
      new Map(Object.entries(record).map(([name, mebibytes]) => [name, mebibytes * MI]));
    const use = { emptyDirs: bytes(dirs), containers: bytes(containers) };
    assert.equal(storageExcessOf(pod, use), expected);
  });
}

Deno.test("files are counted only for pods with a limit", () => {
  assert.equal(hasStorageLimit(podOf({ volumes: [dir("a", {})] })), false);
  assert.equal(hasStorageLimit(podOf({ volumes: [dir("a", { sizeLimit: "1" })] })), true);
  assert.equal(hasStorageLimit(podOf({ containers: [{ limit: "1" }] })), true);
});
