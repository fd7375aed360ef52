import type { Clock } from "../../core/lib/clock.ts";
import type { Log } from "../../core/lib/log.ts";
import { makePrivateFolder } from "../../core/lib/linux/private_folder.ts";
import { timestamp } from "../../core/lib/timestamp.ts";
import { type AnyResource, groupResourceOf } from "../../core/resources/resource.ts";
import { SecretKeyFile } from "../../core/store/encryption/secret_key_file.ts";
import { newSecretKey, type SecretKey } from "../../core/store/encryption/secret_keys.ts";
import { Checkpoint } from "./checkpoint.ts";
import { CheckpointFolder } from "./checkpoint_disk.ts";
import { OWN_SECRETS } from "./own_kinds.ts";

export interface CheckpointFolderOptions {
  dataFolder: string;
  /** What the node follows. */
  resources: readonly AnyResource[];
  /** Which cluster it is in, e.g. by a hash of its authority. */
  cluster: string;
  clock: Clock;
  log: Log;
}

/**
 * The checkpoint of a node, in its data folder; to be closed. Secrets in it are encrypted with a key that is this node's
 * alone: whoever gets hold of the files without `secrets.keys` cannot read them.
 */
export async function openCheckpoint(
  { dataFolder, resources, cluster, clock, log }: CheckpointFolderOptions,
): Promise<Checkpoint> {
  const folder = `${dataFolder}/checkpoint`;
  await makePrivateFolder(folder);
  const secret = new Set([
    ...resources.filter(({ encrypted }) => encrypted).map(groupResourceOf),
    ...OWN_SECRETS,
  ]);
  return await Checkpoint.open({
    disk: await CheckpointFolder.open(`${folder}/files`),
    key: await keyIn(folder, clock),
    isSecret: ([resource]) => secret.has(resource),
    ...{ cluster, clock, log },
  });
}

async function keyIn(folder: string, clock: Clock): Promise<SecretKey> {
  const file = new SecretKeyFile(folder);
  const [known] = await file.read();
  if (known !== undefined) return known;
  const key = newSecretKey(timestamp(clock.now()));
  await file.save([key]);
  return key;
}
