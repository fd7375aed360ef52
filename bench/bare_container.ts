import { NetnsNetwork } from "../agent/network/netns_network.ts";
import { openPlumbing } from "../agent/network/node_network.ts";
import { LOG_LIMITS } from "../agent/runtimes/log_limits.ts";
import type { Mount } from "../agent/runtimes/container_runtime.ts";
import { createBody } from "../agent/runtimes/podman/container_create.ts";
import { SystemClock } from "../core/lib/clock.ts";
import { silentLog } from "../core/lib/log.ts";
import type { ServerProcess } from "../tests/server_process.ts";
import type { Bench } from "./harness.ts";
import { IMAGE, podmanOf } from "./server.ts";

/** Its name in tables. */
export const BARE = "create + start at Podman's API";

/**
 * Creates and starts the same container as Coracle does, in an existing network namespace; returns how many milliseconds
 * that took. It does not wait for the program to answer.
 */
export async function openBare(
  bench: Bench,
  server: ServerProcess,
): Promise<(name: string) => Promise<number>> {
  return await openBarePod(bench, server, [{ name: "web", waitsForEnd: false }]);
}

/** A container of {@linkcode openBarePod}. */
export interface BareContainer {
  name: string;
  command?: readonly string[];
  mounts?: readonly Mount[];
  /** Whether the next one waits for its end. */
  waitsForEnd: boolean;
}

/** The same with several containers, one after the other. */
export async function openBarePod(
  bench: Bench,
  server: ServerProcess,
  containers: readonly BareContainer[],
): Promise<(name: string) => Promise<number>> {
  const podman = podmanOf(server);
  const plumbing = openPlumbing();
  if (plumbing === undefined) throw new Error("Cannot make network namespaces here");
  const log = silentLog(new SystemClock());
  const network = new NetnsNetwork({
    ...{ podCIDR: "10.214.0.0/24", device: "cora-bench", plumbing, log },
  });
  await network.start();
  bench.defer(async () => {
    await network.destroy();
    network.close();
    podman.close();
  });
  const { namespacePath } = await network.add("bench");
  const start = async (
    podName: string,
    { name, command, mounts = [], waitsForEnd }: BareContainer,
  ) => {
    const body = createBody({
      ...{ podUid: podName, podName, podNamespace: "default", name, restartCount: 0 },
      ...{ image: IMAGE, env: {}, mounts, hostname: podName, podIP: "10.214.0.2" },
      ...{ logPath: `${server.dataFolder}/${podName}-${name}.log`, limits: {} },
      ...{ requests: { cpuMillis: 1 }, security: {}, tty: false, stdin: false },
      network: { namespacePath: namespacePath! },
      ...(command && { command }),
    }, { owner: "bench", image: IMAGE, logBytesMax: LOG_LIMITS.bytesMax });
    const { Id } = await podman.json<{ Id: string }>("POST", "/containers/create", { body });
    await podman.send("POST", `/containers/${Id}/start`);
    if (waitsForEnd) {
      const query = { condition: "exited", interval: "20ms" };
      await podman.send("POST", `/containers/${Id}/wait`, { query });
    }
    return Id;
  };
  return async (name) => {
    const ids: string[] = [];
    const startMs = performance.now();
    for (const container of containers) ids.push(await start(name, container));
    const tookMs = performance.now() - startMs;
    for (const id of ids) {
      await podman.send("DELETE", `/containers/${id}`, { query: { force: "true", timeout: "0" } });
    }
    return tookMs;
  };
}
