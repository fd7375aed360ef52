import { later } from "../eventually.ts";
import { apiAnswers, measured, neighbour, tellTimes } from "./neighbour.ts";
import { type PodmanCluster, podOf, testOnPodman } from "./podman_cluster.ts";

testOnPodman({
  name: "a pod that takes all that it can get leaves its neighbours what is theirs",
  subnet: 167,
  steps: [
    {
      name: "beside one that starts processes without end",
      run: (c) => beside(c, "forks", FORKS),
    },
    {
      name: "beside one that takes memory without end",
      run: (c) => beside(c, "memory", MEMORY),
    },
    {
      name: "beside one that writes to its disk without end",
      run: (c) => beside(c, "disk", DISK),
    },
  ],
});

/** Each of them starts two more. */
const FORKS = { script: "f() { f & f & sleep 1; }; while :; do f 2>/dev/null; done" };
/** `tail` keeps all of a line that never ends. */
const MEMORY = {
  script: "tail /dev/zero",
  container: { resources: { limits: { memory: "256Mi" } } },
};
const DISK = {
  script: "while :; do dd if=/dev/zero of=/d/file bs=1M count=512 2>/dev/null; done",
  container: { volumeMounts: [{ name: "d", mountPath: "/d" }] },
  spec: { volumes: [{ name: "d", emptyDir: {} }] },
};

async function beside(
  cluster: PodmanCluster,
  name: string,
  draft: Parameters<typeof podOf>[1],
): Promise<void> {
  const web = `web-beside-${name}`;
  const url = await neighbour(cluster, web);
  const before = await measured(url);
  await cluster.apply(podOf(name, draft));
  await cluster.podWhen(
    name,
    ({ status: { containerStatuses = [] } }) =>
      containerStatuses.some(({ state, lastState }) => state.running ?? lastState.terminated),
  );
  await later(2_000); // it takes what it can get
  const pressed = await measured(url);
  await apiAnswers(cluster);
  await cluster.delete("pod", name, web);
  tellTimes(`99th percentile beside "${name}"`, before, pressed);
}
