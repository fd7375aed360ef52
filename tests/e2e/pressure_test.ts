import assert from "node:assert/strict";
import { later } from "../eventually.ts";
import { type PodmanCluster, podOf, testOnPodman } from "./podman_cluster.ts";

/** Requests of one measurement, one after the other, so many a second at most. */
const REQUESTS = 1_000;
const REQUESTS_PER_SECOND = 200;
/** What a request may take that would else be doubled from next to nothing, by other work on a small machine. */
const P99_MS_FLOOR = 10;
/** The kernel writes back what a pod writes, and nothing bounds that: no pod has a share of the disk. */
const P99_MS_BESIDE_DISK = 150;
const API_MS_MAX = 1_000;

testOnPodman({
  name: "a pod that takes all that it can get leaves its neighbours what is theirs",
  subnet: 167,
  steps: [
    {
      name: "beside one that starts processes without end",
      run: (c) => beside(c, "forks", FORKS, P99_MS_FLOOR),
    },
    {
      name: "beside one that takes memory without end",
      run: (c) => beside(c, "memory", MEMORY, P99_MS_FLOOR),
    },
    {
      name: "beside one that writes to its disk without end",
      run: (c) => beside(c, "disk", DISK, P99_MS_BESIDE_DISK),
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
  floorMs: number,
): Promise<void> {
  const web = `web-beside-${name}`;
  await cluster.apply(podOf(web, {
    script: "mkdir /tmp/w; echo hello > /tmp/w/index.html; exec httpd -f -p 8080 -h /tmp/w",
    container: { resources: { requests: { cpu: "500m" } } }, // what others leave is not its own
  }));
  const { status } = await cluster.readyPod(web);
  const url = `http://${status.podIP}:8080/`;
  await measured(url);
  const before = await measured(url);
  await cluster.apply(podOf(name, draft));
  await cluster.podWhen(
    name,
    ({ status: { containerStatuses = [] } }) =>
      containerStatuses.some(({ state, lastState }) => state.running ?? lastState.terminated),
  );
  await later(2_000); // it takes what it can get
  const pressed = await measured(url);
  const askedMs = performance.now();
  await cluster.get("/api/v1/nodes");
  const apiMs = performance.now() - askedMs;
  await cluster.delete("pod", name);
  const after = await measured(url); // other work of the machine comes and goes
  await cluster.delete("pod", web);
  const times = [before, pressed, after].map((ms) => `${ms.toFixed(1)} ms`);
  const alone = Math.max(before, after, floorMs / 2);
  assert.ok(
    pressed <= 2 * alone,
    `the 99th percentile is ${times[1]}, alone ${times[0]}, ${times[2]}`,
  );
  assert.ok(apiMs < API_MS_MAX, `the API has answered after ${apiMs} ms`);
}

/** The 99th percentile of the time that requests take, in milliseconds. */
async function measured(url: string): Promise<number> {
  const times: number[] = [];
  const startMs = performance.now();
  for (let i = 0; i < REQUESTS; i++) {
    const dueMs = startMs + i * 1_000 / REQUESTS_PER_SECOND;
    await later(Math.max(0, dueMs - performance.now()));
    const sentMs = performance.now();
    const response = await fetch(url, { headers: { connection: "close" } });
    assert.equal(await response.text(), "hello\n");
    times.push(performance.now() - sentMs);
  }
  return times.sort((a, b) => a - b)[Math.floor(REQUESTS * 0.99)]!;
}
