import { fileURLToPath } from "node:url";
import { importBusybox } from "../agent/runtimes/podman/busybox_image.ts";
import type { PodmanClient } from "../agent/runtimes/podman/podman_client.ts";
import { tarArchive } from "../agent/runtimes/podman/tar_archive.ts";
import { writeImage } from "../agent/runtimes/process/process_image.ts";
import { programPath } from "../core/lib/linux/program.ts";
import { CommandError } from "../server/command_error.ts";
import { DEMO_PORT } from "./demo_web.ts";

/** The image that `examples/canary.yaml` names. */
export const DEMO_IMAGE = "localhost/coracle-demo:1";
const PUBLIC_BUSYBOX = "docker.io/library/busybox:stable";

const SERVE = `mkdir -p /tmp/www && echo "$VERSION" > /tmp/www/index.html && ` +
  `exec httpd -f -p ${DEMO_PORT} -h /tmp/www`;
/** busybox's httpd keeps nothing and, as the first process, would not hear SIGTERM. */
const STOP_SIGNAL = "STOPSIGNAL SIGKILL";
const ENTRYPOINT = `ENTRYPOINT ${JSON.stringify(["/bin/sh", "-c", SERVE])}`;

/**
 * Makes the demo's image with Podman: from this machine's static busybox, without a registry, or from the
 * public one. Resolves with how, for people.
 */
export async function makePodmanImage(client: PodmanClient): Promise<string> {
  if (programPath("busybox") !== undefined) {
    await importBusybox(client, DEMO_IMAGE, [ENTRYPOINT, STOP_SIGNAL]);
    return "made from this machine's busybox";
  }
  const dockerfile = `FROM ${PUBLIC_BUSYBOX}\n${ENTRYPOINT}\n${STOP_SIGNAL}\n`;
  const content = new TextEncoder().encode(dockerfile);
  const context = tarArchive([{ name: "Dockerfile", mode: 0o644, content }]);
  let problem = "";
  const steps = client.lines("POST", "/build", {
    query: { t: DEMO_IMAGE, dockerfile: "Dockerfile" },
    body: context,
  });
  for await (const step of steps) problem = (step as { error?: string }).error ?? problem;
  if (problem === "") return `built on ${PUBLIC_BUSYBOX}`;
  throw new CommandError(
    `Cannot make the demo's image: there is no busybox here and no registry in reach (${problem}); ` +
      'install it with "apt-get install busybox-static", or use --runtime process',
  );
}

/** What a pod's web server may do: answer on the network and read what the demo sets for it. */
const WEB_FLAGS = [
  "--frozen",
  "--no-remote",
  "--no-prompt",
  "--allow-net",
  "--allow-env=POD_IP,VERSION,HOME,XDG_DATA_HOME",
  "--allow-sys=uid,hostname",
];

/** Where there are no images: says which program is meant by the name. */
export async function makeProcessImage(dataFolder: string): Promise<string> {
  const program = Deno.build.standalone
    ? [Deno.execPath()]
    : [Deno.execPath(), "run", ...WEB_FLAGS, fileURLToPath(Deno.mainModule)];
  const Entrypoint = [...program, "demo-web"];
  await writeImage(`${dataFolder}/process/images`, DEMO_IMAGE, { Entrypoint });
  return "a small web server of Coracle's own";
}
