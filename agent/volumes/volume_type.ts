import type { View } from "../../core/client/client.ts";
import { ownField } from "../../core/lib/own_field.ts";
import type { FileTree } from "../../core/lib/linux/file_tree.ts";
import type { Volume } from "../../core/resources/core/pods/spec/volumes.ts";
import type { PersistentVolume } from "../../core/resources/core/persistent_volumes/persistent_volumes.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import type { AnyResource } from "../../core/resources/resource.ts";
import type { Schema } from "../../core/schema/schema.ts";
import type { PodTokens } from "./pod_tokens.ts";
import type { VolumePlace } from "./pinned_mounts.ts";

/** A type of volume: where the files of such a volume are, and how they come there. */
export interface VolumeType<Source = unknown> {
  /** The field of a volume in a pod's spec that asks for it, e.g. `emptyDir`. */
  readonly field: string;
  /** The shape of that field, when Kubernetes does not have it. */
  readonly schema?: Schema;
  /** The folder of its volumes is `kubernetes.io~NAME`: the kubelet's name for its plugin. Absent: the field's. */
  readonly folderName?: string;
  /** Whether containers cannot write to it, whatever their mounts say. */
  readonly isReadOnly?: boolean;
  /** Whether the runtime mounts it, and not the agent. */
  readonly isMountedByRuntime?: true;
  /** Whether containers cannot write to this one. */
  isMountedReadOnly?(volume: VolumeOf<Source>, node: VolumeContext): boolean;
  /** The kinds of objects that it reads. */
  readonly reads?: readonly AnyResource[];
  /** The objects that a volume is made of: it is made again when one of them changes. */
  references?(source: Source, volume: { pod: Pod; name: string }): readonly ObjectReference[];
  /** Whether it is made of labels or annotations of the pod, too, which can change. */
  showsPod?(source: Source): boolean;
  /**
   * Makes a volume, or brings its files up to date; may be repeated. Rejects with what the kubelet says of the same
   * fault.
   */
  make(volume: VolumeOf<Source>, node: VolumeContext): Promise<void>;
  /** The real path of the volume's device, for one that is no file system; rejects when there is none. */
  deviceOf?(volume: VolumeOf<Source>, node: VolumeContext): Promise<string>;
  /** Where the files are. Must hold before they are there, too. */
  placeOf(volume: VolumeOf<Source>, node: VolumeContext): VolumePlace;
}

/** An object that a pod is made of, in its namespace. */
export interface ObjectReference {
  readonly resource: AnyResource;
  readonly name: string;
}

/** One volume of a pod. */
export interface VolumeOf<Source> {
  readonly pod: Pod;
  readonly name: string;
  /** What the pod's spec says in the field of the type. */
  readonly source: Source;
  /** Where a volume of the agent's own is kept. */
  readonly folder: string;
  /** The volume that its claim is bound to, when it has one. */
  readonly persistent?: PersistentVolume;
}

/** The fields of volumes that types have in addition to those of Kubernetes, with their shapes. */
export function volumeSchemas(types: readonly VolumeType[]): Record<string, Schema> {
  return Object.fromEntries(types.flatMap(({ field, schema }) => schema ? [[field, schema]] : []));
}

/** The type of a volume; `undefined`: none of the list. */
export function volumeTypeOf(types: readonly VolumeType[], volume: Volume): VolumeType | undefined {
  return types.find(({ field }) => ownField(volume, field) !== undefined);
}

/** What the node gives to volumes. */
export interface VolumeContext {
  readonly nodeName: string;
  /** Where the persistent volumes are that are folders of this node. */
  readonly volumesFolder: string;
  readonly view: Pick<View, "get">;
  readonly nowMs: number;
  /** Holds paths that others can change; `undefined`: this machine cannot. */
  readonly tree: FileTree | undefined;
  /** Real paths of which no pod may see anything. */
  readonly protectedPaths: readonly string[];
  /** What pods can use of the node. */
  readonly allocatable: Readonly<Record<string, string>>;
  /** Absent: there are no tokens of service accounts. */
  readonly tokens?: Pick<PodTokens, "tokenFor">;
}
