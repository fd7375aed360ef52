import assert from "node:assert/strict";
import type { PersistentVolume } from "../../core/resources/core/persistent_volumes/persistent_volumes.ts";
import { eventually } from "../eventually.ts";
import { isOver, mainStatus, podOf } from "./podman_cluster.ts";
import { testSteps } from "./steps.ts";
import { EDGE, TwoMachines, twoMachinesMissing } from "./two_machines.ts";

testSteps({
  name: "a volume on another machine",
  missing: twoMachinesMissing(),
  start: () => TwoMachines.start(142),
  steps: [
    { name: "its data stays there, whoever comes, and goes with its claim", run: claimThere },
  ],
});

async function claimThere(both: TwoMachines): Promise<void> {
  const { cluster } = both;
  const podWith = (name: string, script: string, spec: object = {}) =>
    podOf(name, {
      script,
      container: { volumeMounts: [{ name: "data", mountPath: "/data" }] },
      spec: {
        restartPolicy: "Never",
        volumes: [{ name: "data", persistentVolumeClaim: { claimName: "data" } }],
        ...spec,
      },
    });
  await cluster.apply(
    {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: "data" },
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Mi" } } },
    },
    podWith("writer", "echo far away > /data/file", {
      nodeSelector: { "kubernetes.io/hostname": EDGE },
    }),
  );
  await cluster.podWhen("writer", isOver);
  await cluster.delete("pod", "writer");
  await cluster.server.stop();
  cluster.server = await cluster.server.restart();
  await cluster.apply(podWith("reader", "cat /data/file > /dev/termination-log"));
  const reader = await cluster.podWhen("reader", isOver);
  assert.equal(reader.spec.nodeName, EDGE, "the volume is there");
  assert.equal(mainStatus(reader).state.terminated?.message, "far away\n");

  const volumes = await cluster.get<{ items: PersistentVolume[] }>("/api/v1/persistentvolumes");
  const [volume] = volumes!.items;
  const { path } = volume!.spec.local!;
  assert.equal(await Deno.readTextFile(`${both.machine.folder(path)}/file`), "far away\n");
  assert.ok(!path.startsWith(cluster.dataFolder));
  await cluster.delete("pod", "reader");
  await cluster.delete("pvc", "data");
  const name = volume!.metadata.name;
  await eventually(
    "the agent has removed the folder, and the volume",
    async () => await cluster.get(`/api/v1/persistentvolumes/${name}`) === undefined,
  );
  await assert.rejects(Deno.lstat(both.machine.folder(path)), Deno.errors.NotFound);
}
