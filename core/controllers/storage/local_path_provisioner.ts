import type { View } from "../../client/client.ts";
import type { Notice } from "../../client/event_recorder.ts";
import { ownField } from "../../lib/own_field.ts";
import {
  claimReference,
  PROVISIONED_BY,
  PROVISIONER_FINALIZER,
  reachesNode,
  requestedSizeOf,
  SELECTED_NODE,
  STORAGE_PROVISIONER,
  withoutAnnotation,
} from "../../resources/core/persistent_volumes/binding.ts";
import {
  type PersistentVolumeClaim,
  persistentVolumeClaims,
} from "../../resources/core/persistent_volumes/persistent_volume_claims.ts";
import {
  LOCAL_PATH_NODE,
  type PersistentVolume,
  persistentVolumes,
} from "../../resources/core/persistent_volumes/persistent_volumes.ts";
import { type Node, nodes } from "../../resources/core/nodes/nodes.ts";
import { conditionOf } from "../../resources/conditions.ts";
import {
  isLocalPathVolume,
  LOCAL_PATH_PROVISIONER,
  localPathFolderOf,
  SIZE_ENFORCED,
} from "../../resources/storage/local_path.ts";
import { type StorageClass, storageClasses } from "../../resources/storage/storage_classes.ts";
import {
  type Controller,
  type ControllerWithMemory,
  create,
  NOTHING,
  plan,
  recordEvent,
  update,
  type Write,
} from "../runtime/controller.ts";
import { forget, planWithNotices, type Said } from "../runtime/repeated_notices.ts";
import { inTopology } from "./topology.ts";
import { classNameOf, classOfClaim } from "./volume_matching.ts";

/**
 * Makes a volume for each claim that asks for one in a folder of a node. The folder itself is made by the node's agent,
 * when a pod mounts it, and removed by it when the volume is released. The words of its events are those of Kubernetes'
 * `sig-storage-lib-external-provisioner`.
 */
export const localPathProvisioner: ControllerWithMemory<PersistentVolumeClaim, Said> = {
  name: LOCAL_PATH_PROVISIONER,
  resource: persistentVolumeClaims,
  watches: [
    { resource: storageClasses, concerns: ({ metadata }, view) => unbound(metadata.name, view) },
    { resource: nodes, concerns: ({ metadata }, view) => claimsFor(metadata.name, view) },
  ],
  workers: 4,
  reconcile: (claim, view, _nowMs, past) => planWithNotices(claim, provision(claim, view), past),
  gone: forget,
};

interface Decision {
  writes: readonly Write[];
  /** Why there is no volume. */
  notices: readonly Notice[];
}

function provision(claim: PersistentVolumeClaim, view: View): Decision {
  const { metadata, spec } = claim;
  const asked = ownField(metadata.annotations, STORAGE_PROVISIONER);
  if (spec.volumeName || asked !== LOCAL_PATH_PROVISIONER) return IDLE;
  const storageClass = classOfClaim(claim, view);
  if (storageClass?.provisioner !== LOCAL_PATH_PROVISIONER) return IDLE;
  const name = `pvc-${metadata.uid}`;
  if (view.get(persistentVolumes, { name })) return IDLE;
  const selected = ownField(metadata.annotations, SELECTED_NODE);
  const isDelayed = storageClass.volumeBindingMode === "WaitForFirstConsumer";
  if (isDelayed && selected === undefined) return IDLE; // no pod needs it yet
  const fault = faultOf(claim, storageClass);
  if (fault !== undefined) return failed(claim, fault);
  const node = selected === undefined
    ? anyNode(storageClass, view)
    : view.get(nodes, { name: selected });
  if (node === undefined) {
    return selected === undefined
      ? failed(claim, "no node has a folder for volumes")
      : chooseAnother(claim, selected);
  }
  const folder = localPathFolderOf(node);
  if (folder === undefined) {
    return failed(claim, `node "${node.metadata.name}" has no folder for volumes`);
  }
  const about = `"${metadata.namespace}/${metadata.name}"`;
  const message = `External provisioner is provisioning volume for claim ${about}`;
  return {
    writes: [
      recordEvent({ about: claim, type: "Normal", reason: "Provisioning", message }),
      volumeFor(claim, storageClass, { name, node, path: `${folder}/${name}` }),
    ],
    notices: [],
  };
}

const IDLE: Decision = { writes: [], notices: [] };

function volumeFor(
  claim: PersistentVolumeClaim,
  { reclaimPolicy }: StorageClass,
  { name, node, path }: { name: string; node: Node; path: string },
): Write {
  const hostname = ownField(node.metadata.labels, HOSTNAME) ?? node.metadata.name;
  const expression = { key: HOSTNAME, operator: "In" as const, values: [hostname] };
  const { accessModes = [], volumeMode } = claim.spec;
  return create(persistentVolumes, {
    metadata: {
      name,
      annotations: {
        [PROVISIONED_BY]: LOCAL_PATH_PROVISIONER,
        [LOCAL_PATH_NODE]: node.metadata.name,
        [SIZE_ENFORCED]: "false",
      },
      ...(reclaimPolicy === "Delete" && { finalizers: [PROVISIONER_FINALIZER] }),
    },
    spec: {
      capacity: { storage: requestedSizeOf(claim.spec) },
      accessModes: [...accessModes],
      claimRef: claimReference(claim),
      persistentVolumeReclaimPolicy: reclaimPolicy,
      storageClassName: classNameOf(claim),
      volumeMode,
      local: { path },
      nodeAffinity: {
        required: { nodeSelectorTerms: [{ matchExpressions: [expression] }] },
      },
    },
  }, {
    event: {
      about: claim,
      type: "Normal",
      reason: "ProvisioningSucceeded",
      message: `Successfully provisioned volume ${name}`,
    },
  });
}

const HOSTNAME = "kubernetes.io/hostname";

/** What such a volume cannot be. */
function faultOf(
  { spec }: PersistentVolumeClaim,
  { mountOptions = [], parameters = {} }: StorageClass,
): string | undefined {
  const [parameter] = Object.keys(parameters);
  if (parameter !== undefined) return `parameter "${parameter}" is not known to the provisioner`;
  if (mountOptions.length > 0) return "mount options are not supported by the provisioner";
  if (spec.volumeMode === "Block") return "block volumes are not supported by the provisioner";
  if (spec.dataSource || spec.dataSourceRef) {
    return "data sources are not supported by the provisioner";
  }
  return spec.selector ? "claim Selector is not supported" : undefined;
}

function failed(claim: PersistentVolumeClaim, why: string): Decision {
  const message = `failed to provision volume with StorageClass "${classNameOf(claim)}": ${why}`;
  const reason = "ProvisioningFailed";
  return { writes: [], notices: [{ about: claim, type: "Warning", reason, message }] };
}

/** The node has gone: the scheduler is asked for another one. */
function chooseAnother(claim: PersistentVolumeClaim, node: string): Decision {
  const metadata = withoutAnnotation(claim.metadata, SELECTED_NODE);
  return {
    ...failed(claim, `node "${node}" not found`),
    writes: [update(persistentVolumeClaims, { ...claim, metadata })],
  };
}

/** A node for a claim that does not wait for a pod: a ready one that may have it, with the fewest volumes. */
function anyNode(storageClass: StorageClass, view: View): Node | undefined {
  const volumes = view.list(persistentVolumes).filter(isLocalPathVolume);
  const countOf = (node: Node) => volumes.filter((volume) => reachesNode(volume, node)).length;
  return view.list(nodes)
    .filter((node) =>
      localPathFolderOf(node) !== undefined && !node.spec.unschedulable &&
      conditionOf(node.status.conditions, "Ready")?.status === "True" &&
      inTopology(storageClass, node)
    )
    .map((node) => ({ node, count: countOf(node) }))
    .toSorted((a, b) => a.count - b.count)[0]?.node;
}

/**
 * A volume that is to be deleted when its claim goes is held until its folder is gone; one that is to be kept goes when it
 * is deleted. Users change the policy of a volume to save it.
 */
export const localPathFinalizers: Controller<PersistentVolume> = {
  name: LOCAL_PATH_PROVISIONER,
  resource: persistentVolumes,
  watches: [],
  workers: 1,
  reconcile(volume) {
    if (!isLocalPathVolume(volume)) return NOTHING;
    const { finalizers = [], deletionTimestamp } = volume.metadata;
    const isHeld = finalizers.includes(PROVISIONER_FINALIZER);
    const mustBeHeld = volume.spec.persistentVolumeReclaimPolicy === "Delete";
    if (isHeld === mustBeHeld || (mustBeHeld && deletionTimestamp)) return NOTHING;
    const others = finalizers.filter((each) => each !== PROVISIONER_FINALIZER);
    const metadata = {
      ...volume.metadata,
      finalizers: mustBeHeld ? [...others, PROVISIONER_FINALIZER] : others,
    };
    return plan([update(persistentVolumes, { ...volume, metadata })]);
  },
};

/** Those of a class that have no volume. */
function unbound(className: string, view: View) {
  return view.by(persistentVolumeClaims, "unbound", className).map(({ metadata }) => metadata);
}

/** Those that wait for this node, or for any: a node has come, or says where its volumes are. */
function claimsFor(node: string, view: View) {
  return view.list(storageClasses)
    .filter(({ provisioner }) => provisioner === LOCAL_PATH_PROVISIONER)
    .flatMap(({ metadata: { name } }) => view.by(persistentVolumeClaims, "unbound", name))
    .map(({ metadata }) => metadata)
    .filter(({ annotations }) => [undefined, node].includes(ownField(annotations, SELECTED_NODE)));
}
