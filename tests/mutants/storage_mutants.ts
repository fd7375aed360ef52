import type { Mutant } from "./mutants.ts";

const BINDING = [
  "core/controllers/storage/binding_property_test.ts",
  "core/controllers/storage/claim_binding_test.ts",
];
const SCHEDULING = ["core/scheduler/volumes_test.ts"];
const ON_NODE = ["agent/volumes/claim_volumes_test.ts", "agent/volumes/released_volumes_test.ts"];

/** Planted bugs in what binds, makes, mounts and removes volumes. */
export const STORAGE_MUTANTS: readonly Mutant[] = [
  {
    name: "an heir: a claim of the same name gets the volume, and the data, of the one before",
    file: "core/resources/core/persistent_volumes/binding.ts",
    search: "(!claimRef.uid || claimRef.uid === metadata.uid)",
    replace: "true",
    tests: BINDING,
  },
  {
    name: "two at once: a claim is bound before its volume says whose it is",
    file: "core/controllers/storage/claim_binding.ts",
    search: "  if (reserved !== volume) return [update(persistentVolumes, reserved)];\n",
    replace: "",
    tests: BINDING,
  },
  {
    name: "still bound: a volume stays so when another claim has the name of its own",
    file: "core/controllers/storage/volume_phases.ts",
    search: "if (claim?.metadata.uid !== uid) return release(volume);",
    replace: "if (claim === undefined) return release(volume);",
    tests: BINDING,
  },
  {
    name: "stolen: a claim takes back its volume from another claim",
    file: "core/controllers/storage/claim_binding.ts",
    search: "if (claimRef === undefined || claimRef.uid === uid) return done(bind(volume, claim));",
    replace: "return done(bind(volume, claim));",
    tests: BINDING,
  },
  {
    name: "a hoard: volumes of a claim that has another one are never free again",
    file: "core/controllers/storage/volume_phases.ts",
    search: "return isMadeFor ? release(volume) : unbind(volume);",
    replace: "return isMadeFor ? release(volume) : NOTHING;",
    tests: BINDING,
  },
  {
    name: "too small: a claim gets a volume that has not what it asks for",
    file: "core/controllers/storage/volume_matching.ts",
    search: "compareQuantities(capacityOf(volume.spec), requested) >= 0",
    replace: "compareQuantities(capacityOf(volume.spec), requested) >= -1",
    tests: BINDING,
  },
  {
    name: "waste: a claim gets the largest volume",
    file: "core/controllers/storage/volume_matching.ts",
    search: "compareQuantities(capacityOf(volume.spec), capacityOf(best.spec)) < 0;",
    replace: "compareQuantities(capacityOf(volume.spec), capacityOf(best.spec)) > 0;",
    tests: BINDING,
  },
  {
    name: "haste: a claim that waits for a pod is given a volume that no pod may reach",
    file: "core/controllers/storage/volume_matching.ts",
    search: '  if (reach === "reserved") return undefined;\n',
    replace: "",
    tests: [...BINDING, ...SCHEDULING],
  },
  {
    name: "twice: two claims of a pod are given one volume",
    file: "core/scheduler/plugins/volume_binding.ts",
    search: "      taken.add(volume.metadata.name);\n",
    replace: "",
    tests: SCHEDULING,
  },
  {
    name: "no way back: a pod is bound to a node that its volume cannot be reached from",
    file: "core/scheduler/plugins/volume_binding.ts",
    search: "volume && !reachesNode(volume, node)",
    replace: "volume && reachesNode(volume, node) === undefined",
    tests: SCHEDULING,
  },
  {
    name: "elsewhere: a volume is made for one node while its pod goes to another",
    file: "core/scheduler/plugins/volume_binding.ts",
    search: "if (selected !== undefined && selected !== node.metadata.name) return undefined;",
    replace: "",
    tests: SCHEDULING,
  },
  {
    name: "impatience: a pod is bound before its claims are",
    file: "core/scheduler/plugins/volume_binding.ts",
    search: 'if (claims.every(({ status }) => status.phase === "Bound")) return undefined;',
    replace: "if (claims.length > 0) return undefined;",
    tests: SCHEDULING,
  },
  {
    name: "the place is lost: what a pod that waits for its volume needs is given to others",
    file: "core/scheduler/scheduler.ts",
    search: "    this.#unschedulable.add(pod, new Set(waitsFor));",
    replace:
      "    this.#states.release(pod.metadata.uid);\n    this.#unschedulable.add(pod, new Set(waitsFor));",
    tests: SCHEDULING,
  },
  {
    name: "shared: two pods have a claim that is for one",
    file: "core/scheduler/plugins/volume_restrictions.ts",
    search: '?.includes("ReadWriteOncePod")',
    replace: '?.includes("ReadWriteOnce")',
    tests: SCHEDULING,
  },
  {
    name: "not mine: a claim of another pod's serves as a pod's own",
    file: "core/resources/core/persistent_volumes/pod_claims.ts",
    search: "owner?.uid === pod.metadata.uid",
    replace: "owner?.uid !== pod.metadata.name",
    tests: SCHEDULING,
  },
  {
    name: "a stranger's key: a claim that names any volume sees its files",
    file: "agent/volumes/types/claim_volumes.ts",
    search: "  return claimRef.uid === uid\n",
    replace: "  return claimRef.uid !== undefined\n",
    tests: ON_NODE,
  },
  {
    name: "namesakes: the folder of another node's volume is taken for the own",
    file: "agent/volumes/local_path_folders.ts",
    search: "const isOurs = localPathNodeOf(volume) === nodeName;",
    replace: "const isOurs = localPathNodeOf(volume) !== undefined;",
    tests: ON_NODE,
  },
  {
    name: "anywhere: the path of a volume is not compared with its folder",
    file: "agent/volumes/local_path_folders.ts",
    search: "return isOurs && spec.local?.path === path ? path : undefined;",
    replace: "return isOurs ? spec.local?.path : undefined;",
    tests: ON_NODE,
  },
  {
    name: "gone: the folder of a volume that is to be kept is removed",
    file: "agent/volumes/released_volumes.ts",
    search: '      spec.persistentVolumeReclaimPolicy === "Delete";',
    replace: '      spec.persistentVolumeReclaimPolicy !== "Recycle";',
    tests: ON_NODE,
  },
  {
    name: "too early: the folder of a volume that is bound is removed",
    file: "agent/volumes/released_volumes.ts",
    search: '(phase === "Released" || phase === "Failed")',
    replace: '(phase !== "Available")',
    tests: ON_NODE,
  },
  {
    name: "leftovers: a volume goes before its folder does",
    file: "agent/volumes/released_volumes.ts",
    search: "    await removeFolder(folder);\n",
    replace: "    removeFolder(folder).catch(() => {});\n",
    tests: ON_NODE,
  },
  {
    name: "through a link: the group of a pod gets what links lead to",
    file: "agent/volumes/volume_ownership.ts",
    search: "      if (isSymlink) continue;\n      using entry = tree.holdEntry(held, name);",
    replace: "      using entry = tree.hold(`${held.procPath}/${name}`);",
    tests: ON_NODE,
  },
  {
    name: "no group: the group of a pod gets nothing that was there before",
    file: "agent/volumes/volume_ownership.ts",
    search: "  if (isDirectory && depth < DEPTH_MAX) {",
    replace: "  if (isDirectory && depth < 0) {",
    tests: ON_NODE,
  },
];
