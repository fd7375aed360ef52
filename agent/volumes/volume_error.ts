/** A volume that could not be made. The message is that of the kubelet's `FailedMount` event. */
export class VolumeError extends Error {
  override name = "VolumeError";
}

/** In the words in which the kubelet gives up waiting for the volumes of a pod. */
export function unattachable(volume: string, why: string): VolumeError {
  return new VolumeError(
    `Unable to attach or mount volumes: unmounted volumes=[${volume}], unattached volumes=[], failed to process ` +
      `volumes=[${volume}]: ${why}`,
  );
}

/** As of a node whose kubelet has no plugin for the type of the volume. */
export function withoutPlugin(volume: string, name = volume): VolumeError {
  const why =
    `failed to get Plugin from volumeSpec for volume "${name}" err=no volume plugin matched`;
  return unattachable(volume, why);
}
