import { ApiError } from "../../client/api_error.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Random } from "../../lib/random.ts";
import type { Container } from "../../resources/core/pods/spec/containers.ts";
import { containersOf, withEachContainer } from "../../resources/core/pods/spec/pod_containers.ts";
import type { PodSpec } from "../../resources/core/pods/spec/pod_spec.ts";
import { isMirrorPod } from "../../resources/core/pods/static_pods.ts";
import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import {
  DEFAULT_ACCOUNT,
  type ServiceAccount,
  serviceAccounts,
} from "../../resources/core/service_accounts.ts";
import { forbidden } from "../../client/refusals.ts";
import type { Store } from "../../store/store.ts";
import type { AdmissionRequest, AdmissionRule } from "./admission_rule.ts";

/** Where containers find the token of their account. */
export const TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount";
const VOLUME_PREFIX = "kube-api-access-";
const SUFFIX_CHARACTERS = 5;
/** An hour, and a little by which the server knows that nobody chose it. */
const TOKEN_SECONDS = 3_607;
const FILE_MODE = 0o644;
const ENFORCES_SECRETS = "kubernetes.io/enforce-mountable-secrets";

/** How often, and after which time, a pod looks for the account that its namespace is about to get. As in Kubernetes. */
const TRIES_MAX = 10;
const RETRY_MS = 100;

/** The refusal of a pod whose namespace does not have its account `default` yet. */
class NoAccountYet extends ApiError {}

/** Does a write, again when it is of a pod that comes before the account of its namespace, which is under way. */
export async function onceAccountIsThere<T>(
  clock: Pick<Clock, "sleep">,
  write: () => Promise<T>,
): Promise<T> {
  for (let tries = 1;; tries++) {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof NoAccountYet) || tries === TRIES_MAX) throw error;
      await clock.sleep(RETRY_MS);
    }
  }
}

/**
 * A new pod runs as an account that is there, and sees a token of it unless it or the account says otherwise.
 *
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#serviceaccount
 */
export function accountOfPods({ random }: { random: Random }): AdmissionRule {
  return (request) => {
    const { resource, next, previous } = request;
    if (previous || resource.plural !== pods.plural || resource.group !== pods.group) return next;
    const pod = next as Pod;
    if (isMirrorPod(pod)) return checkedMirror(pod, request);
    const account = accountOf(pod, request);
    if (!account) return pod; // the account is to come, perhaps with its namespace
    refuseSecrets(pod, account, request);
    const { imagePullSecrets = [] } = account;
    const spec = pod.spec.imagePullSecrets?.length || imagePullSecrets.length === 0
      ? pod.spec
      : { ...pod.spec, imagePullSecrets };
    return { ...pod, spec: seesToken(pod.spec, account) ? withToken(spec, random) : spec };
  };
}

/** It shows a pod that a node runs from a file, and that no account stands behind. Throws Forbidden. */
function checkedMirror(pod: Pod, { resource }: AdmissionRequest): Pod {
  const { metadata: { name }, spec } = pod;
  const refusal = (what: string) =>
    forbidden(resource, name, `a mirror pod may not reference ${what}`);
  if (spec.serviceAccountName) throw refusal("service accounts");
  if (spec.volumes?.some(({ secret }) => secret)) throw refusal("secrets");
  return pod;
}

function accountOf(
  { metadata: { namespace, name }, spec: { serviceAccountName = DEFAULT_ACCOUNT } }: Pod,
  { resource, store, options }: AdmissionRequest,
): ServiceAccount | undefined {
  const found = accountIn(store, namespace, serviceAccountName);
  const isDefault = serviceAccountName === DEFAULT_ACCOUNT;
  if (found || (isDefault && options.namespacesToCome?.has(namespace))) return found;
  const key = `${serviceAccounts.plural}/${namespace}/${serviceAccountName}`;
  if (options.objectsToCome?.has(key)) return undefined;
  const refusal = forbidden(
    resource,
    name,
    `error looking up service account ${namespace}/${serviceAccountName}: ` +
      `serviceaccount "${serviceAccountName}" not found`,
  );
  throw isDefault ? new NoAccountYet("Forbidden", refusal.message, refusal.details) : refusal;
}

function accountIn(store: Store, namespace: string, name: string): ServiceAccount | undefined {
  const entry = store.newest([serviceAccounts.plural, namespace, name]);
  return entry?.object as ServiceAccount | undefined;
}

/** The word of the pod counts more. */
function seesToken({ automountServiceAccountToken: ofPod }: PodSpec, account: ServiceAccount) {
  return ofPod ?? account.automountServiceAccountToken ?? true;
}

/** What is mounted there already stays. */
function withToken(spec: PodSpec, random: Random): PodSpec {
  const known = spec.volumes?.find(({ name }) => name.startsWith(VOLUME_PREFIX));
  const name = known?.name ?? VOLUME_PREFIX + random.suffix(SUFFIX_CHARACTERS);
  let isNeeded = false;
  const mounted = withEachContainer(spec, (container, role) => {
    const { volumeMounts = [] } = container;
    const isTaken = volumeMounts.some(({ mountPath }) => mountPath === TOKEN_PATH);
    if (role === "ephemeral" || isTaken) return container;
    isNeeded = true;
    return withMount(container, name);
  });
  if (!isNeeded) return spec;
  return known ? mounted : { ...mounted, volumes: [...spec.volumes ?? [], tokenVolume(name)] };
}

function withMount(container: Container, name: string): Container {
  const mount = { name, readOnly: true, mountPath: TOKEN_PATH };
  return { ...container, volumeMounts: [...container.volumeMounts ?? [], mount] };
}

/** Kubernetes: `TokenVolumeSource` of the plugin. */
function tokenVolume(name: string): NonNullable<PodSpec["volumes"]>[number] {
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: "token" } },
        { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
        {
          downwardAPI: {
            items: [{
              path: "namespace",
              fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" },
            }],
          },
        },
      ],
      defaultMode: FILE_MODE,
    },
  };
}

/** An account may say that its pods use no Secrets but those that it names. Throws Forbidden. */
function refuseSecrets(pod: Pod, account: ServiceAccount, { resource }: AdmissionRequest): void {
  if (!/^(1|t|true)$/i.test(account.metadata.annotations?.[ENFORCES_SECRETS] ?? "")) return;
  const { name } = account.metadata;
  const why = foreignSecretIn(pod.spec, account, name);
  if (why !== undefined) throw forbidden(resource, pod.metadata.name, why);
}

function foreignSecretIn(
  spec: PodSpec,
  { secrets = [], imagePullSecrets = [] }: ServiceAccount,
  account: string,
): string | undefined {
  const isKnown = (name = "") => secrets.some((one) => one.name === name);
  const because = `is not allowed because service account ${account} does not reference that`;
  for (const { secret } of spec.volumes ?? []) {
    if (secret && !isKnown(secret.secretName)) {
      return `volume with secret.secretName="${secret.secretName ?? ""}" ${because} secret`;
    }
  }
  for (const { role, container } of containersOf(spec)) {
    const who = role === "init" || role === "sidecar" ? "init container" : "container";
    const found = foreignSecretOf(container, isKnown);
    if (found) return `${who} ${container.name} with ${found} ${because} secret`;
  }
  const index = (spec.imagePullSecrets ?? []).findIndex(({ name }) =>
    !imagePullSecrets.some((one) => one.name === name)
  );
  const pull = spec.imagePullSecrets?.[index];
  return pull && `imagePullSecrets[${index}].name="${pull.name ?? ""}" ${because} imagePullSecret`;
}

function foreignSecretOf(
  { env = [], envFrom = [] }: Container,
  isKnown: (name?: string) => boolean,
): string | undefined {
  for (const { name, valueFrom } of env) {
    const secret = valueFrom?.secretKeyRef;
    if (secret && !isKnown(secret.name)) {
      return `envVar ${name} referencing secret.secretName="${secret.name ?? ""}"`;
    }
  }
  const from = envFrom.find(({ secretRef }) => secretRef && !isKnown(secretRef.name));
  return from && `envFrom referencing secret.secretName="${from.secretRef?.name ?? ""}"`;
}
