import assert from "node:assert/strict";
import type { ContainerSpec } from "../container_runtime.ts";
import { refuseUnkept } from "./refused_security.ts";

type Security = ContainerSpec["security"];

/** What is asked for, whether the runtime is root, and what it cannot keep. */
const CASES: [Security, boolean, string | undefined][] = [
  [{}, true, undefined],
  [{}, false, undefined],
  [{ runAsUser: 7, allowPrivilegeEscalation: false, supplementalGroups: [1] }, true, undefined],
  [
    { seccomp: "Unconfined", appArmor: "Unconfined", hostPid: true, hostIpc: true },
    true,
    undefined,
  ],
  [{ privileged: true, capabilitiesAdd: ["NET_ADMIN"] }, true, undefined],
  [{ privileged: false, capabilitiesAdd: [], readOnlyRootFilesystem: false }, false, undefined],
  [{ seccomp: "RuntimeDefault" }, true, "seccompProfile"],
  [{ readOnlyRootFilesystem: true }, true, "readOnlyRootFilesystem"],
  [{ capabilitiesDrop: ["ALL"] }, true, undefined],
  [{ capabilitiesDrop: ["ALL"] }, false, "capabilities.drop"],
  [{ capabilitiesAdd: ["NET_ADMIN"], runAsUser: 7 }, true, "capabilities.add"],
  [{ privileged: true }, false, "privileged"],
  [{ allowPrivilegeEscalation: false }, false, "allowPrivilegeEscalation"],
  [{ supplementalGroups: [1] }, false, "supplementalGroups"],
  [{ sysctls: { "net.ipv4.tcp_syncookies": "1" } }, true, "sysctls"],
];

for (const [security, isRoot, field] of CASES) {
  const asked = JSON.stringify(security);
  const outcome = field === undefined ? "runs" : "is refused";
  Deno.test(`a plain process ${isRoot ? "of root" : "of a user"} that asks for ${asked} ${outcome}`, () => {
    if (field === undefined) return refuseUnkept({ security }, isRoot);
    assert.throws(() => refuseUnkept({ security }, isRoot), {
      reason: "CreateContainerError",
      message: new RegExp(`cannot keep securityContext\\.${field}:`),
    });
  });
}
