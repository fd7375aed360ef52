import { type Cause, duplicate, invalid, notSupported } from "../../schema/causes.ts";
import {
  allowingDuplicates,
  boolean,
  fallback,
  kept,
  list,
  long,
  object,
  oneOf,
  present,
  set,
  string,
  type TypeOf,
} from "../../schema/schema.ts";
import { immutableCauses } from "../../schema/value_rules.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { defineResource, type ObjectOf } from "../resource.ts";
import { storedOnlyWarnings } from "../unimplemented_fields.ts";

const LIFECYCLE_MODES = ["Persistent", "Ephemeral"];
const TOKEN_SECONDS_MIN = 600;
const TOKEN_SECONDS_MAX = 2 ** 32;

const tokenRequest = object("A token that the driver is given.", {
  audience: fallback("", kept(string("Who the token is for; the API when empty."))),
  expirationSeconds: long("Seconds that the token is good for."),
});

const csiDriverSpec = object("What the driver can do, and what it needs.", {
  attachRequired: fallback(true, boolean("Whether volumes are attached before they are mounted.")),
  podInfoOnMount: fallback(false, boolean("Whether it wants to know the pod that mounts.")),
  volumeLifecycleModes: fallback(
    ["Persistent"],
    allowingDuplicates(set("Kinds of volumes that it makes.", string("Persistent or Ephemeral."))),
  ),
  storageCapacity: fallback(false, boolean("Whether it says how much room there is.")),
  fsGroupPolicy: fallback(
    "ReadWriteOnceWithFSType",
    oneOf("When owner and rights of a volume's files are changed for the pod.", [
      "File",
      "None",
      "ReadWriteOnceWithFSType",
    ]),
  ),
  tokenRequests: list("Tokens of the pod's account that it needs.", tokenRequest),
  requiresRepublish: fallback(false, boolean("Whether it is called again from time to time.")),
  seLinuxMount: fallback(false, boolean("Whether it supports mounts with an SELinux label.")),
  nodeAllocatableUpdatePeriodSeconds: long("How often the node's limit of volumes is asked for."),
  preventPodSchedulingIfMissing: boolean("Whether pods wait for a node that has the driver."),
  serviceAccountTokenInSecrets: boolean("Whether tokens are handed over with the secrets."),
});
type Spec = TypeOf<typeof csiDriverSpec>;

/** https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/csi-driver-v1/ */
export const csiDrivers = defineResource({
  group: "storage.k8s.io",
  version: "v1",
  kind: "CSIDriver",
  plural: "csidrivers",
  namespaced: false,
  needsVersion: true,
  generation: "changes",
  schema: object("A driver of volumes, installed in the cluster.", {
    spec: present(csiDriverSpec),
  }),
  columns: [
    nameColumn,
    {
      name: "AttachRequired",
      description: "Whether volumes are attached before they are mounted.",
      type: "boolean",
      value: ({ spec }) => spec.attachRequired,
    },
    {
      name: "PodInfoOnMount",
      description: "Whether it wants to know the pod that mounts.",
      type: "boolean",
      value: ({ spec }) => spec.podInfoOnMount,
    },
    {
      name: "StorageCapacity",
      description: "Whether it says how much room there is.",
      type: "boolean",
      value: ({ spec }) => spec.storageCapacity,
    },
    {
      name: "TokenRequests",
      description: "Audiences of the tokens that it needs.",
      value: ({ spec: { tokenRequests } }) =>
        tokenRequests?.map(({ audience }) => audience).join(",") ?? "<unset>",
    },
    {
      name: "RequiresRepublish",
      description: "Whether it is called again from time to time.",
      type: "boolean",
      value: ({ spec }) => spec.requiresRepublish,
    },
    {
      name: "Modes",
      description: "Kinds of volumes that it makes.",
      value: ({ spec }) => spec.volumeLifecycleModes.join(",") || "<none>",
    },
    ageColumn,
  ],
  prepare: (next) => ({ ...next, spec: withoutGatedFields(next.spec) }),
  validate: ({ spec }, previous) => [
    ...specCauses(spec),
    ...(previous
      ? [
        ...immutableCauses(
          "spec.attachedRequired",
          spec.attachRequired,
          previous.spec.attachRequired,
        ),
        ...immutableCauses(
          "spec.volumeLifecycleModes",
          spec.volumeLifecycleModes,
          previous.spec.volumeLifecycleModes,
        ),
      ]
      : []),
  ],
  warnings: (_, previous) =>
    storedOnlyWarnings("CSIDriver", previous, "no volume is made or mounted by it"),
});

export type CsiDriver = ObjectOf<typeof csiDrivers>;

/** Without the fields that are behind feature gates which Kubernetes has off. */
function withoutGatedFields(spec: Spec): Spec {
  const {
    nodeAllocatableUpdatePeriodSeconds: _,
    preventPodSchedulingIfMissing: __,
    serviceAccountTokenInSecrets: ___,
    ...rest
  } = spec;
  return rest;
}

function specCauses({ tokenRequests = [], volumeLifecycleModes }: Spec): Cause[] {
  const audiences = new Set<string>();
  const causes = tokenRequests.flatMap(({ audience, expirationSeconds }, i) => {
    const at = `spec.tokenRequests[${i}]`;
    if (audiences.has(audience)) return [duplicate(`${at}.audience`, audience)];
    audiences.add(audience);
    return expirationCauses(`${at}.expirationSeconds`, expirationSeconds);
  });
  for (const mode of volumeLifecycleModes) {
    if (LIFECYCLE_MODES.includes(mode)) continue;
    causes.push(notSupported("spec.volumeLifecycleModes", mode, LIFECYCLE_MODES));
  }
  return causes;
}

function expirationCauses(field: string, seconds: number | undefined): Cause[] {
  if (seconds === undefined) return [];
  if (seconds < TOKEN_SECONDS_MIN) {
    return [invalid(field, seconds, "may not specify a duration less than 10 minutes")];
  }
  return seconds > TOKEN_SECONDS_MAX
    ? [invalid(field, seconds, "may not specify a duration larger than 2^32 seconds")]
    : [];
}
