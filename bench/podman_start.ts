/**
 * How long it takes until a container answers, on a Podman service of its own: bare create and start, the same
 * through the runtime, and a restart after a kill. Needs root and `apt-get install podman runc busybox-static`.
 */
import { type ContainerSpec } from "../agent/container_runtime.ts";
import { openPlumbing } from "../agent/network/node_network.ts";
import { NetnsNetwork } from "../agent/network/netns_network.ts";
import { importBusybox } from "../agent/podman/busybox_image.ts";
import { createBody } from "../agent/podman/container_create.ts";
import { PodmanRuntime } from "../agent/podman/podman_runtime.ts";
import { startPodmanService } from "../agent/podman/podman_service.ts";
import { SystemClock } from "../core/lib/clock.ts";
import { silentLog } from "../core/lib/log.ts";

const ROUNDS = 20;
const IMAGE = "localhost/bench:1";
const clock = new SystemClock();
const log = silentLog(clock);
const folder = await Deno.makeTempDir({ prefix: "coracle-bench-" });
const podman = await startPodmanService({
  ...{ folder: `${folder}/podman`, runFolder: `${folder}/run`, clock, log },
});
const runtime = new PodmanRuntime({ podman, owner: "bench", clock, log });
const network = new NetnsNetwork({
  ...{ podCIDR: "10.214.0.0/24", device: "cora-bench", plumbing: openPlumbing()!, log },
});
try {
  await network.start();
  await importBusybox(podman.client, IMAGE, ['CMD ["httpd","-f","-p","8080","-h","/tmp"]']);
  const pod = await network.add("bench");
  const measure = { bare: [] as number[], runtime: [] as number[], restart: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    measure.bare.push(await bareStart(specOf(round * 3, pod.namespacePath!), pod.ip));
    measure.runtime.push(await runtimeStart(specOf(round * 3 + 1, pod.namespacePath!), pod.ip));
    measure.restart.push(await restart(specOf(round * 3 + 2, pod.namespacePath!), pod.ip));
  }
  for (const [name, values] of Object.entries(measure)) {
    const sorted = values.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]!.toFixed(0);
    // deno-lint-ignore no-console
    console.log(`${name.padEnd(8)} p50 ${at(0.5)} ms, p95 ${at(0.95)} ms`);
  }
} finally {
  for (const { id } of await runtime.list()) await runtime.remove(id);
  await network.destroy();
  network.close();
  await runtime.close();
  await podman.own!.destroy();
  await Deno.remove(folder, { recursive: true });
}

async function bareStart(spec: ContainerSpec, ip: string): Promise<number> {
  const startMs = performance.now();
  const body = createBody(spec, { owner: "bench", image: IMAGE });
  const { Id } = await podman.client.json<{ Id: string }>("POST", "/containers/create", { body });
  await podman.client.send("POST", `/containers/${Id}/start`);
  await answered(ip);
  const tookMs = performance.now() - startMs;
  await runtime.remove(Id);
  return tookMs;
}

async function runtimeStart(spec: ContainerSpec, ip: string): Promise<number> {
  const startMs = performance.now();
  const id = await runtime.create(spec);
  await runtime.start(id);
  await answered(ip);
  const tookMs = performance.now() - startMs;
  await runtime.remove(id);
  return tookMs;
}

/** From the kill to the first answer of the next container, made when the runtime tells of the end. */
async function restart(spec: ContainerSpec, ip: string): Promise<number> {
  const id = await runtime.create(spec);
  await runtime.start(id);
  await answered(ip);
  const { State } = await podman.client.json<{ State: { Pid: number } }>(
    "GET",
    `/containers/${id}/json`,
  );
  const end = Promise.withResolvers<void>();
  const stop = runtime.onExit((other) => other === id && end.resolve());
  const startMs = performance.now();
  Deno.kill(State.Pid, "SIGKILL");
  await end.promise;
  stop();
  await runtime.inspect(id);
  const next = await runtime.create({ ...spec, restartCount: spec.restartCount + 1 });
  await runtime.start(next);
  await answered(ip);
  const tookMs = performance.now() - startMs;
  await Promise.all([runtime.remove(id), runtime.remove(next)]);
  return tookMs;
}

async function answered(ip: string): Promise<void> {
  while (true) {
    try {
      await (await fetch(`http://${ip}:8080/`)).body?.cancel();
      return;
    } catch {
      await clock.sleep(1); // it does not listen yet
    }
  }
}

function specOf(number: number, namespacePath: string): ContainerSpec {
  return {
    ...{ podUid: `bench-${number}`, podName: "bench", podNamespace: "default", name: "web" },
    ...{ restartCount: 0, image: IMAGE, env: {}, mounts: [], hostname: "bench" },
    ...{ logPath: `${folder}/${number}.log`, network: { namespacePath }, podIP: "127.0.0.1" },
    ...{ limits: {}, requests: {}, security: {}, tty: false, stdin: false },
  };
}
