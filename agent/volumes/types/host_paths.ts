import type { Volume } from "../../../core/resources/core/pods/spec/volumes.ts";
import { uncoveringFaultOf } from "../concealment.ts";
import { checkHostPath, holdHostPath } from "../host_path_files.ts";
import type { VolumeType } from "../volume_type.ts";

/** https://kubernetes.io/docs/concepts/storage/volumes/#hostpath */
export const hostPaths: VolumeType<NonNullable<Volume["hostPath"]>> = {
  field: "hostPath",
  make: async ({ name, pod, source }, { tree, protectedPaths }) => {
    if (tree === undefined) return await checkHostPath(source, protectedPaths);
    const fault = uncoveringFaultOf(pod, name);
    using _held = await holdHostPath(source, { protectedPaths, mayContain: true, fault }, tree);
  },
  placeOf: ({ source }, { protectedPaths }) => ({
    root: source.path,
    hold: (tree) => holdHostPath(source, { protectedPaths, mayContain: true }, tree),
    isWrittenByPods: true,
    covered: protectedPaths,
  }),
};
