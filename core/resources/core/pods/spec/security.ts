import {
  boolean,
  list,
  long,
  object,
  oneOf,
  required,
  string,
  type TypeOf,
} from "../../../../schema/schema.ts";

const seLinuxOptions = object("SELinux label.", {
  user: string("User part of the label."),
  role: string("Role part of the label."),
  type: string("Type part of the label."),
  level: string("Level part of the label."),
});

const windowsOptions = object("Settings for Windows.", {
  gmsaCredentialSpecName: string("Name of the GMSA credential spec."),
  gmsaCredentialSpec: string("Content of the GMSA credential spec."),
  runAsUserName: string("User that the program runs as."),
  hostProcess: boolean("Whether it runs as a process of the host."),
});

const profile = (of: string) =>
  object(`${of} profile.`, {
    type: required(
      oneOf("Which profile: a file of the node, the one of the runtime, or none.", [
        "Localhost",
        "RuntimeDefault",
        "Unconfined",
      ]),
    ),
    localhostProfile: string("Name of the profile on the node, for Localhost."),
  });

/** Each field once: pods and containers have them in different orders, those of Go's structs, which hashes rely on. */
const whoRuns = {
  runAsUser: long("User id that programs run as; the image decides when absent."),
  runAsGroup: long("Group id that programs run as; the runtime decides when absent."),
  runAsNonRoot: boolean("Whether a container that would run as root is refused."),
};
const profiles = {
  seccompProfile: profile("Seccomp"),
  appArmorProfile: profile("AppArmor"),
};

/** https://kubernetes.io/docs/tasks/configure-pod-container/security-context/ */
export const podSecurityContext = object("What all containers of the pod may do.", {
  seLinuxOptions,
  windowsOptions,
  ...whoRuns,
  supplementalGroups: list("Further group ids of the first process.", long("Group id.")),
  supplementalGroupsPolicy: oneOf("Whether groups of the image count too.", ["Merge", "Strict"]),
  fsGroup: long("Group id that owns the volumes."),
  sysctls: list(
    "Kernel settings of the namespaces of the pod.",
    object("A kernel setting.", {
      name: required(string("Name of the setting.")),
      value: required(string("Its value.")),
    }),
  ),
  fsGroupChangePolicy: oneOf("When the owner of volumes is changed.", ["OnRootMismatch", "Always"]),
  ...profiles,
  seLinuxChangePolicy: string("How volumes get their SELinux label: Recursive or MountOption."),
});
export type PodSecurityContext = TypeOf<typeof podSecurityContext>;

export const securityContext = object("What this container may do; stronger than the pod's.", {
  capabilities: object("Kernel capabilities, over those that the runtime gives.", {
    add: list("Capabilities to give.", string("Name without `CAP_`.")),
    drop: list("Capabilities to take away.", string("Name without `CAP_`, or ALL.")),
  }),
  privileged: boolean("Whether it may do all that root on the node may."),
  seLinuxOptions,
  windowsOptions,
  ...whoRuns,
  readOnlyRootFilesystem: boolean("Whether its own files are read-only."),
  allowPrivilegeEscalation: boolean("Whether a process may gain more rights than its parent."),
  procMount: oneOf("How /proc is shown.", ["Default", "Unmasked"]),
  ...profiles,
});
export type SecurityContext = TypeOf<typeof securityContext>;
