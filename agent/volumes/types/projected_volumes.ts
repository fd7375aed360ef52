import { messageOf } from "../../../core/lib/error_message.ts";
import { ifAbsent } from "../../../core/lib/absent.ts";
import { configMaps } from "../../../core/resources/core/config_maps.ts";
import { containersOf } from "../../../core/resources/core/pods/spec/pod_containers.ts";
import type { Volume } from "../../../core/resources/core/pods/spec/volumes.ts";
import type { Pod } from "../../../core/resources/core/pods/pods.ts";
import { secrets } from "../../../core/resources/core/secrets.ts";
import type { VolumeFile } from "../atomic_files.ts";
import { downwardFiles } from "../downward_files.ts";
import { writeVolume } from "../key_files.ts";
import { configMapFiles, secretFiles } from "../object_files.ts";
import type { VolumeContext, VolumeOf, VolumeType } from "../volume_type.ts";

type Projected = NonNullable<Volume["projected"]>;
type Source = NonNullable<Projected["sources"]>[number];

/** Of a token that only one user or group is to read. */
const PRIVATE_MODE = 0o600;

/** https://kubernetes.io/docs/concepts/storage/projected-volumes/ */
export const projectedVolumes: VolumeType<Projected> = {
  field: "projected",
  isReadOnly: true,
  reads: [configMaps, secrets],
  references: ({ sources = [] }) =>
    sources.flatMap(({ configMap, secret }) => [
      ...(configMap ? [{ resource: configMaps, name: configMap.name ?? "" }] : []),
      ...(secret ? [{ resource: secrets, name: secret.name ?? "" }] : []),
    ]),
  showsPod: ({ sources = [] }) => sources.some(({ downwardAPI }) => downwardAPI !== undefined),
  make: async (volume, node) => {
    const { sources = [] } = volume.source;
    const found = await Promise.allSettled(sources.map((source) => filesOf(volume, source, node)));
    const faults = found.flatMap((one) => one.status === "rejected" ? messageOf(one.reason) : []);
    if (faults.length > 0) {
      throw new Error(faults.length === 1 ? faults[0] : `[${faults.join(", ")}]`);
    }
    const files = found.flatMap((one) => one.status === "fulfilled" ? one.value : []);
    // Of two files at one path the later source counts.
    await writeVolume(
      volume,
      [...new Map(files.map((file) => [file.path, file])).values()],
      node.nowMs,
    );
  },
  placeOf: ({ folder }) => ({ root: folder, isWrittenByPods: false }),
};

async function filesOf(
  volume: VolumeOf<Projected>,
  { secret, configMap, downwardAPI, serviceAccountToken, ...other }: Source,
  node: VolumeContext,
): Promise<VolumeFile[]> {
  const { pod, source: { defaultMode } } = volume;
  const { view, allocatable } = node;
  if (secret) return secretFiles(pod, { ...secret, name: secret.name ?? "", defaultMode }, view);
  if (configMap) {
    return configMapFiles(pod, { ...configMap, name: configMap.name ?? "", defaultMode }, view);
  }
  if (downwardAPI) {
    return downwardFiles(pod, downwardAPI.items ?? [], { defaultMode, allocatable });
  }
  if (serviceAccountToken) return [await tokenFile(volume, serviceAccountToken, node)];
  throw new Error(`sources of type "${Object.keys(other)[0]}" are not supported by this agent`);
}

/** For the user whom all containers run as, or for the group of the pod; readable by all when there is neither. */
async function tokenFile(
  { pod, folder, source: { defaultMode } }: VolumeOf<Projected>,
  { path, audience = "", expirationSeconds }: NonNullable<Source["serviceAccountToken"]>,
  { tokens }: VolumeContext,
): Promise<VolumeFile> {
  if (!tokens) throw new Error("failed to fetch token: this agent gets no tokens");
  const shown = await Deno.readTextFile(`${folder}/${path}`).catch(ifAbsent);
  const token = await tokens.tokenFor(pod, { audience, expirationSeconds }, shown);
  const userId = onlyUserOf(pod);
  const isPrivate = userId !== undefined || pod.spec.securityContext.fsGroup !== undefined;
  return {
    path,
    bytes: new TextEncoder().encode(token),
    mode: isPrivate ? PRIVATE_MODE : defaultMode,
    ...(userId !== undefined && { userId }),
  };
}

/** The user that all containers of a pod run as; `undefined`: they differ, or the image says it. */
function onlyUserOf({ spec }: Pod): number | undefined {
  const users = containersOf(spec).map(({ container }) =>
    container.securityContext?.runAsUser ?? spec.securityContext.runAsUser
  );
  return new Set(users).size === 1 ? users[0] : undefined;
}
