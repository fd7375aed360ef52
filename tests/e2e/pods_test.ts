import assert from "node:assert/strict";
import { mainStatus, podOf, testOnPodman } from "./podman_cluster.ts";

testOnPodman({
  name: "pods on Podman, seen from outside",
  subnet: 101,
  stepsAtOnce: 4,
  steps: [{
    name: "a pod that ends well is Completed",
    async run(cluster) {
      await cluster.apply(podOf("well", { script: "echo done", spec: { restartPolicy: "Never" } }));
      const pod = await cluster.podWhen("well", ({ status }) => status.phase === "Succeeded");
      assert.equal(mainStatus(pod).state.terminated?.reason, "Completed");
      assert.equal(await cluster.logs("well"), "done\n");
    },
  }],
});
