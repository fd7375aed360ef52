import assert from "node:assert/strict";
import { check } from "../../../schema/check.ts";
import { type PodSpec, podSpec } from "../../../resources/core/pods/spec/pod_spec.ts";
import type { Standard } from "./policy.ts";
import { detailsText, reasonsText, violationsOf } from "./standards.ts";

// What is expected is what k8s.io/pod-security-admission v0.34.1 says of the same pods.

type Fields = Record<string, unknown>;
const latest = { level: "baseline", version: "latest" } as const;

function specOf({ containers, ...spec }: Fields & { containers?: Fields[] }): PodSpec {
  const named = (containers ?? [{}]).map((each, i) => ({ name: `c${i + 1}`, image: "x", ...each }));
  const { value, causes, unknown } = check<PodSpec>(podSpec, { ...spec, containers: named });
  assert.deepEqual([causes, unknown], [[], []]);
  return value;
}

/** Containers with security contexts. */
const having = (...contexts: Fields[]) => ({
  containers: contexts.map((securityContext) => ({ securityContext })),
});

/** A control, a pod, and what is said of it; empty: nothing. */
const BASELINE: [string, Parameters<typeof specOf>[0], string][] = [
  ["nothing is said of a plain pod", {}, ""],
  [
    "the namespaces of the node",
    { hostNetwork: true, hostPID: true, hostIPC: true },
    "host namespaces (hostNetwork=true, hostPID=true, hostIPC=true)",
  ],
  ["one of them", { hostIPC: true }, "host namespaces (hostIPC=true)"],
  [
    "paths of the node",
    { volumes: [{ name: "a", hostPath: { path: "/" } }, { name: "b", hostPath: { path: "/" } }] },
    'hostPath volumes (volumes "a", "b")',
  ],
  [
    "a port of the node",
    { containers: [{ ports: [{ containerPort: 1, hostPort: 80 }, { containerPort: 2 }] }] },
    'hostPort (container "c1" uses hostPort 80)',
  ],
  [
    "ports of the node, in the order of texts",
    {
      containers: [{ ports: [{ containerPort: 1, hostPort: 9 }] }, {
        ports: [{ containerPort: 1, hostPort: 80 }],
      }],
    },
    'hostPort (containers "c1", "c2" use hostPorts 80, 9)',
  ],
  [
    "probes and handlers that lead elsewhere",
    {
      containers: [{
        livenessProbe: { tcpSocket: { port: 1, host: "169.254.169.254" } },
        lifecycle: { preStop: { httpGet: { port: 1, host: "a.example" } } },
      }],
    },
    'probe or lifecycle host (container "c1" uses probe or lifecycle hosts "169.254.169.254", "a.example")',
  ],
  [
    "privileged containers",
    having({ privileged: true }, { privileged: false }),
    'privileged (container "c1" must not set securityContext.privileged=true)',
  ],
  [
    "capabilities that a runtime does not give",
    having({ capabilities: { add: ["SYS_ADMIN", "CHOWN"] } }, {
      capabilities: { add: ["NET_RAW"] },
    }),
    'non-default capabilities (containers "c1", "c2" must not include "NET_RAW", "SYS_ADMIN" in securityContext.capabilities.add)',
  ],
  ["capabilities that it gives anyway", having({ capabilities: { add: ["CHOWN"] } }), ""],
  [
    "all of /proc",
    having({ procMount: "Unmasked" }),
    'procMount (container "c1" must not set securityContext.procMount to "Unmasked")',
  ],
  ["the default of it", having({ procMount: "Default" }), ""],
  [
    "no AppArmor",
    {
      ...having({}, { appArmorProfile: { type: "Unconfined" } }),
      securityContext: { appArmorProfile: { type: "Unconfined" } },
    },
    'forbidden AppArmor profile (pod and container "c2" must not set AppArmor profile type to "Unconfined")',
  ],
  ["a profile of AppArmor", having({ appArmorProfile: { type: "RuntimeDefault" } }), ""],
  [
    "labels of SELinux",
    {
      ...having({ seLinuxOptions: { type: "spc_t", role: "r" } }),
      securityContext: { seLinuxOptions: { user: "u" } },
    },
    'seLinuxOptions (pod and container "c1" set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set; role may not be set)',
  ],
  [
    "types and levels of SELinux that are for containers",
    having({ seLinuxOptions: { type: "container_t", level: "s0:c1" } }),
    "",
  ],
  [
    "no seccomp",
    having({ seccompProfile: { type: "Unconfined" } }, {
      seccompProfile: { type: "RuntimeDefault" },
    }),
    'seccompProfile (container "c1" must not set securityContext.seccompProfile.type to "Unconfined")',
  ],
  [
    "settings of the kernel, as they come",
    {
      securityContext: {
        sysctls: [
          { name: "net.ipv4.tcp_rmem", value: "1" },
          { name: "kernel.msgmax", value: "1" },
          { name: "kernel.a", value: "1" },
        ],
      },
    },
    "forbidden sysctls (kernel.msgmax, kernel.a)",
  ],
  [
    "processes of a Windows node",
    { securityContext: { windowsOptions: { hostProcess: true } } },
    "hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)",
  ],
  [
    "several at once, also of containers that come first or later",
    {
      hostPID: true,
      initContainers: [{ name: "i", securityContext: { privileged: true } }],
      ephemeralContainers: [{ name: "e", securityContext: { privileged: true } }],
    },
    'host namespaces (hostPID=true), privileged (containers "i", "e" must not set securityContext.privileged=true)',
  ],
];

for (const [name, pod, text] of BASELINE) {
  Deno.test(`baseline: ${name}`, () => assert.equal(said(latest, pod), text));
}

/** A pod that the level restricted takes. */
const good = { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } };
const goodPod = { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } };

const RESTRICTED: [string, Parameters<typeof specOf>[0], string][] = [
  ["nothing is said of a pod that says all", { ...having(good), securityContext: goodPod }, ""],
  [
    "a pod that says nothing",
    {},
    'allowPrivilegeEscalation != false (container "c1" must set securityContext.allowPrivilegeEscalation=false), ' +
    'unrestricted capabilities (container "c1" must set securityContext.capabilities.drop=["ALL"]), ' +
    'runAsNonRoot != true (pod or container "c1" must set securityContext.runAsNonRoot=true), ' +
    'seccompProfile (pod or container "c1" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
  ],
  [
    "volumes that are none of the pod's",
    {
      ...having(good),
      securityContext: goodPod,
      volumes: [
        { name: "a", hostPath: { path: "/" } },
        { name: "b", nfs: { server: "s", path: "/" } },
        { name: "c", emptyDir: {} },
        { name: "d", image: { reference: "x" } },
      ],
    },
    'restricted volume types (volumes "a", "b" use restricted volume types "hostPath", "nfs")',
  ],
  [
    "more than the one capability that may be added",
    {
      ...having({ ...good, capabilities: { drop: ["ALL"], add: ["NET_BIND_SERVICE"] } }, {
        ...good,
        capabilities: { drop: ["NET_RAW"], add: ["CHOWN"] },
      }),
      securityContext: goodPod,
    },
    'unrestricted capabilities (container "c2" must set securityContext.capabilities.drop=["ALL"]; ' +
    'container "c2" must not include "CHOWN" in securityContext.capabilities.add)',
  ],
  [
    "root by what is said",
    { ...having({ ...good, runAsNonRoot: false }), securityContext: { ...goodPod, runAsUser: 0 } },
    'runAsNonRoot != true (container "c1" must not set securityContext.runAsNonRoot=false), ' +
    "runAsUser=0 (pod must not set runAsUser=0)",
  ],
  [
    "no seccomp by what is said",
    { ...having({ ...good, seccompProfile: { type: "Unconfined" } }), securityContext: goodPod },
    'seccompProfile (container "c1" must not set securityContext.seccompProfile.type to "Unconfined")',
  ],
  [
    "a pod for Windows",
    { os: { name: "windows" } },
    'runAsNonRoot != true (pod or container "c1" must set securityContext.runAsNonRoot=true)',
  ],
];

for (const [name, pod, text] of RESTRICTED) {
  Deno.test(`restricted: ${name}`, () => {
    assert.equal(said({ level: "restricted", version: "latest" }, pod), text);
  });
}

/** What is new in a version: the last without it, the first with it. */
const SINCE: [string, Standard["level"], number, Parameters<typeof specOf>[0], RegExp][] = [
  ["allowPrivilegeEscalation", "restricted", 8, {}, /^allowPrivilegeEscalation/],
  ["dropped capabilities", "restricted", 22, {}, /unrestricted capabilities/],
  ["runAsUser", "restricted", 23, { securityContext: { runAsUser: 0 } }, /runAsUser=0/],
  ["seccomp profiles", "restricted", 19, {}, /seccompProfile/],
  [
    "profiles as fields",
    "baseline",
    19,
    { securityContext: { seccompProfile: { type: "Unconfined" } } },
    /seccompProfile/,
  ],
  [
    "hosts of probes",
    "baseline",
    34,
    { containers: [{ livenessProbe: { tcpSocket: { port: 1, host: "h" } } }] },
    /probe or lifecycle host/,
  ],
];

for (const [name, level, since, pod, words] of SINCE) {
  Deno.test(`since v1.${since}: ${name}`, () => {
    assert.match(said({ level, version: since }, pod), words);
    assert.doesNotMatch(said({ level, version: since - 1 }, pod), words);
    assert.match(said({ level, version: 999 }, pod), words);
  });
}

Deno.test("what was forbidden once and is not any more", () => {
  const pod = (fields: Fields) => ({ securityContext: fields });
  const label = pod({ seLinuxOptions: { type: "container_engine_t" } });
  assert.match(said({ level: "baseline", version: 30 }, label), /seLinuxOptions/);
  assert.equal(said({ level: "baseline", version: 31 }, label), "");
  for (
    const [name, since] of [
      ["net.ipv4.ip_local_reserved_ports", 27],
      ["net.ipv4.tcp_fin_timeout", 29],
      ["net.ipv4.tcp_wmem", 32],
    ] as const
  ) {
    const setting = pod({ sysctls: [{ name, value: "1" }] });
    assert.match(said({ level: "baseline", version: since - 1 }, setting), /forbidden sysctls/);
    assert.equal(said({ level: "baseline", version: since }, setting), "");
  }
});

Deno.test("annotations of before count where they count in Kubernetes", () => {
  const annotations = {
    "container.apparmor.security.beta.kubernetes.io/c1": "unconfined",
    "container.seccomp.security.alpha.kubernetes.io/c1": "unconfined",
    constructor: "x",
  };
  const text = (version: Standard["version"]) =>
    detailsText(violationsOf({ level: "baseline", version }, annotations, specOf({})));
  const appArmor = "forbidden AppArmor profile (annotation must not set AppArmor profile type to " +
    '"container.apparmor.security.beta.kubernetes.io/c1="unconfined"")';
  assert.equal(text("latest"), appArmor);
  assert.equal(
    text(18),
    `${appArmor}, seccompProfile (forbidden annotation ` +
      'container.seccomp.security.alpha.kubernetes.io/c1="unconfined")',
  );
});

Deno.test("to the level privileged all pods keep, and of many pods the reasons alone are said", () => {
  const spec = specOf({ hostPID: true, ...having({ privileged: true }) });
  assert.deepEqual(violationsOf({ level: "privileged", version: 1 }, undefined, spec), []);
  const violations = violationsOf(latest, undefined, spec);
  assert.equal(reasonsText(violations), "host namespaces, privileged");
});

function said(standard: Standard, pod: Parameters<typeof specOf>[0]): string {
  return detailsText(violationsOf(standard, undefined, specOf(pod)));
}
