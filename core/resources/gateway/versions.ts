import type { Schema } from "../../schema/schema.ts";
import { type KubeObject, type ServedVersion, wholeObject } from "../resource.ts";

const GROUP = "gateway.networking.k8s.io";

/** The kind as `v1beta1`, which differs from `v1` in its name only. */
export function betaVersion<T extends KubeObject>(shape: Schema): ServedVersion<T> {
  return {
    group: GROUP,
    version: "v1beta1",
    schema: wholeObject(shape),
    fromStored: (object) => ({ ...object, apiVersion: `${GROUP}/v1beta1` }),
    toStored: (object) => ({ ...object as KubeObject, apiVersion: `${GROUP}/v1` }),
  };
}
