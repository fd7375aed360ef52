import { familyOf } from "../tests/process_family.ts";
import { onPath } from "../tests/kubectl.ts";
import { ServerProcess } from "../tests/server_process.ts";
import { importBusybox } from "../agent/runtimes/podman/busybox_image.ts";
import { PodmanClient } from "../agent/runtimes/podman/podman_client.ts";
import { writeImage } from "../agent/runtimes/process/process_image.ts";
import { SystemClock } from "../core/lib/clock.ts";
import type { Bench } from "./harness.ts";
import { commandOf, processesNaming } from "./processes.ts";

export type RuntimeName = "podman" | "process";
export const RUNTIMES: readonly RuntimeName[] = ["process", "podman"];

/** A small web server, on port 8080 of its pod. */
export const IMAGE = "localhost/coracle-bench:1";
export const IMAGE_PORT = 8080;
const COMMAND = ["httpd", "-f", "-p", `${IMAGE_PORT}`, "-h", "/etc"];
const PODMAN_PACKAGES = [
  { program: "podman", package: "podman" },
  { program: "runc", package: "runc" },
  { program: "busybox", package: "busybox-static" },
];
export const needsPodman = { needs: PODMAN_PACKAGES, needsRoot: true } as const;

/** Subnets far from those of the tests, which may run at the same time. */
let nextSubnet = 200;

/** Runs a server until the measurement ends; then it is removed with its pods and data. */
export async function startServer(
  bench: Bench,
  runtime: RuntimeName,
  { dataFolder, args = [] }: { dataFolder?: string; args?: readonly string[] } = {},
): Promise<ServerProcess> {
  const server = await ServerProcess.start({
    runtime,
    subnet: nextSubnet++,
    dataFolder: dataFolder ?? await temporaryFolder(bench),
    args: ["--stop-pods", "--temporary", ...args],
    detached: true, // the clean-up asks it to end, once
  });
  bench.defer(async () => void await server.stop());
  bench.own(() => processesNaming(server.dataFolder));
  return server;
}

/** A folder that is removed after the measurement, even when something is still mounted below it. */
export async function temporaryFolder(bench: Bench): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "coracle-bench-" });
  bench.defer(async () => {
    const mounts = (await Deno.readTextFile("/proc/mounts")).split("\n")
      .map((line) => line.split(" ")[1] ?? "").filter((path) => path.startsWith(`${folder}/`));
    for (const path of mounts.toReversed()) {
      await new Deno.Command("umount", { args: [path] }).output();
    }
    await Deno.remove(folder, { recursive: true });
  });
  return folder;
}

/** Loads {@linkcode IMAGE} into the server's runtime. */
export async function makeImage(server: ServerProcess): Promise<void> {
  if (server.options.runtime === "podman") {
    const podman = podmanOf(server);
    const changes = [`ENTRYPOINT ${JSON.stringify(COMMAND)}`, "STOPSIGNAL SIGKILL"];
    await importBusybox(podman, IMAGE, changes);
    podman.close();
    return;
  }
  const Entrypoint = [onPath("busybox") ?? "busybox", ...COMMAND];
  await writeImage(`${server.dataFolder}/process/images`, IMAGE, { Entrypoint });
}

/** A client of the Podman service that the server has started. The caller closes it. */
export function podmanOf(server: ServerProcess): PodmanClient {
  const command = familyOf(server.pid).map(commandOf).find((text) => text.includes(" service "));
  const socketPath = command?.match(/unix:\/\/(\S+)/)?.[1];
  if (socketPath === undefined) throw new Error("The server has no Podman service of its own");
  return new PodmanClient({ socketPath, clock: new SystemClock() });
}
