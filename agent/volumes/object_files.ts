import type { View } from "../../core/client/client.ts";
import { configMaps } from "../../core/resources/core/config_maps.ts";
import { secrets } from "../../core/resources/core/secrets.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import type { VolumeFile } from "./atomic_files.ts";
import { bytesOfKeys, filesOfKeys, type KeySource } from "./key_files.ts";

/** The object whose keys become files. */
interface ObjectSource extends KeySource {
  name: string;
}

/** The files of a ConfigMap. Throws when it, or a key that is named, is not there and has to be. */
export function configMapFiles(
  { metadata: { namespace } }: Pod,
  source: ObjectSource,
  view: Pick<View, "get">,
): VolumeFile[] {
  const { name, optional = false } = source;
  const object = view.get(configMaps, { namespace, name });
  if (object === undefined && !optional) throw new Error(`configmap "${name}" not found`);
  const data = {
    ...bytesOfKeys(object?.data, (text) => new TextEncoder().encode(text)),
    ...bytesOfKeys(object?.binaryData, (base64) => Uint8Array.fromBase64(base64)),
  };
  return filesOfKeys(data, source, "configmap references non-existent config key");
}

/** The same of a Secret. */
export function secretFiles(
  { metadata: { namespace } }: Pod,
  source: ObjectSource,
  view: Pick<View, "get">,
): VolumeFile[] {
  const { name, optional = false } = source;
  const object = view.get(secrets, { namespace, name });
  if (object === undefined && !optional) throw new Error(`secret "${name}" not found`);
  const data = bytesOfKeys(object?.data, (base64) => Uint8Array.fromBase64(base64));
  return filesOfKeys(data, source, "references non-existent secret key");
}
