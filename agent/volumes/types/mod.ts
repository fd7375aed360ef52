import type { VolumeType } from "../volume_type.ts";
import { claimVolumes, ephemeralVolumes } from "./claim_volumes.ts";
import { configMapVolumes } from "./config_map_volumes.ts";
import { downwardApiVolumes } from "./downward_api_volumes.ts";
import { emptyDirs } from "./empty_dirs.ts";
import { hostPaths } from "./host_paths.ts";
import { imageVolumes } from "./image_volumes.ts";
import { nfsVolumes } from "./nfs_volumes.ts";
import { projectedVolumes } from "./projected_volumes.ts";
import { secretVolumes } from "./secret_volumes.ts";

/** Every type of volume that is built in. A new one is one file and one line here. */
export const VOLUME_TYPES: readonly VolumeType[] = [
  claimVolumes,
  configMapVolumes,
  downwardApiVolumes,
  emptyDirs,
  ephemeralVolumes,
  hostPaths,
  imageVolumes,
  nfsVolumes,
  projectedVolumes,
  secretVolumes,
];
