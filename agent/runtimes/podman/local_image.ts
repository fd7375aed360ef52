import { programPath } from "../../../core/lib/linux/program.ts";
import { type LocalImage, RuntimeMissing } from "../runtime_type.ts";
import { importBusybox } from "./busybox_image.ts";
import type { PodmanClient } from "./podman_client.ts";
import { tarArchive } from "./tar_archive.ts";

const PUBLIC_BUSYBOX = "docker.io/library/busybox:stable";

/**
 * Makes an image: from this machine's static busybox, without a registry, or from the public one. Resolves with how,
 * for people. Throws a {@linkcode RuntimeMissing} when it can have neither.
 */
export async function makeLocalImage(
  client: PodmanClient,
  { reference, entrypoint, stopSignal }: LocalImage,
): Promise<string> {
  const instructions = [`ENTRYPOINT ${JSON.stringify(entrypoint)}`, `STOPSIGNAL ${stopSignal}`];
  if (programPath("busybox") !== undefined) {
    await importBusybox(client, reference, instructions);
    return "made from this machine's busybox";
  }
  const dockerfile = [`FROM ${PUBLIC_BUSYBOX}`, ...instructions, ""].join("\n");
  const content = new TextEncoder().encode(dockerfile);
  const steps = client.lines("POST", "/build", {
    query: { t: reference, dockerfile: "Dockerfile" },
    body: tarArchive([{ name: "Dockerfile", mode: 0o644, content }]),
  });
  let problem = "";
  for await (const step of steps) problem = (step as { error?: string }).error ?? problem;
  if (problem === "") return `built on ${PUBLIC_BUSYBOX}`;
  throw new RuntimeMissing(
    `Cannot make the image "${reference}": there is no busybox here and no registry in reach (${problem}); ` +
      'install it with "apt-get install busybox-static", or use --runtime process',
  );
}
