import { ifAbsent } from "../../../core/lib/absent.ts";
import { SharedFolderError } from "../../../core/lib/linux/private_folder.ts";
import { type OpenRuntime, type RuntimeContext, RuntimeRefused } from "../runtime_type.ts";
import { makeLocalImage } from "./local_image.ts";
import { type Podman, PodmanUnavailable, protectedPathsOf } from "./podman.ts";
import { PodmanRuntime } from "./podman_runtime.ts";
import { findPodman, startPodmanService } from "./podman_service.ts";

/** Where a Podman that is not ours keeps images, as a rule. */
const USUAL_STORAGE = "/var/lib/containers/storage";

/** Opens Podman as {@linkcode RuntimeType.open} says. */
export async function openPodmanRuntime(context: RuntimeContext): Promise<OpenRuntime> {
  if (Deno.uid() !== 0) {
    throw new PodmanUnavailable(
      "Cannot use Podman: pods need network namespaces and cgroups, which only root can make; run it as root",
    );
  }
  const { dataFolder, nodeName, clock, log, logLimits, isTemporary } = context;
  const podman = await openPodman(context);
  const owner = `${nodeName}:${dataFolder}`;
  const runtime = new PodmanRuntime({
    ...{ podman, owner, clock, log, logLimits },
    sandboxFolder: `${dataFolder}/sandbox`,
  });
  return {
    runtime,
    sharesImages: podman.own === undefined,
    imageFolder: podman.own?.storageFolder ?? USUAL_STORAGE,
    protectedPaths: await protectedPathsOf(podman),
    takesCgroups: podman.own !== undefined,
    makeImage: (image) => makeLocalImage(podman.client, image),
    close: async () => {
      await runtime.close();
      await (isTemporary && podman.own ? podman.own.destroy() : podman.stop());
    },
  };
}

async function openPodman(context: RuntimeContext): Promise<Podman> {
  const { flags: { podman: socketPath }, clock } = context;
  if (typeof socketPath !== "string") return await ownPodman(context);
  const found = await findPodman({ socketPath, clock });
  if (found) return found;
  throw new PodmanUnavailable(
    `Cannot use Podman: nobody answers at "${socketPath}"; start "podman system service" there, or leave --podman out`,
  );
}

/** The Podman of this machine; where there is none, one that is started. */
async function ownPodman({ dataFolder, clock, log }: RuntimeContext): Promise<Podman> {
  const folder = `${dataFolder}/podman`;
  // Containers of a service of our own would be out of sight behind one that came later.
  const hasOwn = await Deno.stat(folder).catch(ifAbsent) !== undefined;
  const others = hasOwn ? undefined : await findPodman({ clock });
  try {
    return others ?? await startPodmanService({ folder, clock, log });
  } catch (error) {
    if (!(error instanceof SharedFolderError)) throw error;
    throw new RuntimeRefused(
      `Cannot keep Podman's socket and state in a folder of others: ${error.message}`,
    );
  }
}
