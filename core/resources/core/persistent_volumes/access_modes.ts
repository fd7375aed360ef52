import { ownField } from "../../../lib/own_field.ts";

const SHORT = [
  ["ReadWriteOnce", "RWO"],
  ["ReadOnlyMany", "ROX"],
  ["ReadWriteMany", "RWX"],
  ["ReadWriteOncePod", "RWOP"],
] as const;

/** Access modes as kubectl writes them: `RWO,ROX`. */
export function accessModesText(modes: readonly string[] = []): string {
  return SHORT.flatMap(([mode, short]) => modes.includes(mode) ? [short] : []).join(",");
}

/** An annotation that was there before the field `storageClassName`, and counts more. */
export const CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class";

interface OfClass {
  metadata: { annotations?: Record<string, string> };
  spec: { storageClassName?: string };
}

/** The StorageClass of a volume or a claim; `undefined` when it names none, which an empty name does. */
export function storageClassOf({ metadata, spec }: OfClass): string | undefined {
  return ownField(metadata.annotations, CLASS_ANNOTATION) ?? spec.storageClassName;
}
