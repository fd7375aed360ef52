import { claimNamesOf } from "../../../resources/core/persistent_volumes/pod_claims.ts";
import type {
  PersistentVolume,
} from "../../../resources/core/persistent_volumes/persistent_volumes.ts";
import type { Container } from "../../../resources/core/pods/spec/containers.ts";
import { containersOf } from "../../../resources/core/pods/spec/pod_containers.ts";
import type { Volume } from "../../../resources/core/pods/spec/volumes.ts";
import type { Pod } from "../../../resources/core/pods/pods.ts";
import { isMirrorPod } from "../../../resources/core/pods/static_pods.ts";

/** The names of what a pod refers to, in its own namespace. */
export interface PodReferences {
  readonly secrets: ReadonlySet<string>;
  readonly configMaps: ReadonlySet<string>;
  readonly claims: ReadonlySet<string>;
  readonly account: string | undefined;
}

const NONE: PodReferences = {
  secrets: new Set(),
  configMaps: new Set(),
  claims: new Set(),
  account: undefined,
};
const known = new WeakMap<Pod, PodReferences>();

/**
 * What a pod gives its node to read. A mirror pod gives nothing: its node has made it.
 * Kubernetes: `AddPod` in `plugin/pkg/auth/authorizer/node/graph.go`, and `VisitPodSecretNames`, `VisitPodConfigmapNames`.
 */
export function referencesOf(pod: Pod): PodReferences {
  let references = known.get(pod);
  if (!references) known.set(pod, references = made(pod));
  return references;
}

function made(pod: Pod): PodReferences {
  if (isMirrorPod(pod)) return NONE;
  const { imagePullSecrets = [], volumes = [], serviceAccountName } = pod.spec;
  const containers = containersOf(pod.spec).map(({ container }) => container);
  return {
    secrets: named([
      ...imagePullSecrets.map(({ name }) => name),
      ...containers.flatMap((each) => inEnvironment(each, "secretRef", "secretKeyRef")),
      ...volumes.flatMap(secretsOfVolume),
    ]),
    configMaps: named([
      ...containers.flatMap((each) => inEnvironment(each, "configMapRef", "configMapKeyRef")),
      ...volumes.flatMap(({ configMap, projected }) => [
        configMap?.name,
        ...(projected?.sources ?? []).map((source) => source.configMap?.name),
      ]),
    ]),
    claims: named(claimNamesOf(pod)),
    account: serviceAccountName || undefined,
  };
}

function named(names: readonly (string | undefined)[]): ReadonlySet<string> {
  return new Set(names.filter((name) => name !== undefined && name !== "")) as Set<string>;
}

function inEnvironment(
  { env = [], envFrom = [] }: Container,
  whole: "secretRef" | "configMapRef",
  key: "secretKeyRef" | "configMapKeyRef",
): (string | undefined)[] {
  return [
    ...envFrom.map((source) => source[whole]?.name),
    ...env.map(({ valueFrom }) => valueFrom?.[key]?.name),
  ];
}

function secretsOfVolume(volume: Volume): (string | undefined)[] {
  const { secret, projected, azureFile, csi, ...others } = volume;
  return [
    secret?.secretName,
    azureFile?.secretName,
    csi?.nodePublishSecretRef?.name,
    ...(projected?.sources ?? []).map((source) => source.secret?.name),
    ...Object.values(others).map((source) => secretRefOf(source)?.name),
  ];
}

/** The secrets, as `namespace/name`, that whoever mounts the volume has to know. Kubernetes: `VisitPVSecretNames`. */
export function secretsOfPersistentVolume({ spec }: PersistentVolume): string[] {
  const { azureFile, csi, claimRef, ...others } = spec;
  const own = claimRef?.namespace;
  const references: (SecretReference | undefined)[] = [
    azureFile && { name: azureFile.secretName, namespace: azureFile.secretNamespace },
    csi?.nodePublishSecretRef,
    csi?.nodeStageSecretRef,
    csi?.nodeExpandSecretRef,
    ...Object.values(others).map((source) => secretRefOf(source)),
  ];
  return references.flatMap((reference) => {
    const namespace = reference?.namespace || own;
    return reference?.name && namespace ? [`${namespace}/${reference.name}`] : [];
  });
}

interface SecretReference {
  name?: string | undefined;
  namespace?: string | undefined;
}

/** Sources of several types have a field of that name; the others are names, paths and numbers. */
function secretRefOf(source: unknown): SecretReference | undefined {
  return (source as { secretRef?: SecretReference } | undefined)?.secretRef;
}
