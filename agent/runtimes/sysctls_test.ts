import assert from "node:assert/strict";
import { normalSysctl, SAFE_SYSCTLS, sysctlFault, sysctlPatternFault } from "./sysctls.ts";

Deno.test("only what each pod has for itself can be allowed", () => {
  for (
    const pattern of ["kernel.msg*", "kernel.shmmax", "net.core.somaxconn", "net.*", "fs.mqueue.*"]
  ) {
    assert.equal(sysctlPatternFault(pattern), undefined, pattern);
  }
  const faults: [string, RegExp][] = [
    ["kernel.*", /the sysctls "kernel\." are not known to be namespaced/],
    ["*", /are not known to be namespaced|must have at most/],
    ["vm.swappiness", /are not known to be namespaced/],
    ["kernel.core_pattern", /are not known to be namespaced/],
    ["kernel.shm_rmid_forcedx", /are not known to be namespaced/],
    ["net", /are not known to be namespaced/],
    ["net.ipv4.*.x", /must have at most 253 characters and match regex/],
    ["net..x", /must have at most/],
    ["", /must have at most/],
  ];
  for (const [pattern, fault] of faults) assert.match(sysctlPatternFault(pattern) ?? "", fault);
});

Deno.test("a pod sets what is safe and what its node allows", () => {
  for (const name of SAFE_SYSCTLS) assert.equal(sysctlFault(name, {}, []), undefined);
  const allowed = ["kernel.msg*", "net.core.somaxconn"];
  const faultOf = (name: string, sharing = {}) => sysctlFault(name, sharing, allowed);
  assert.equal(faultOf("kernel.msgmax"), undefined);
  assert.equal(faultOf("kernel/msgmax"), undefined);
  assert.equal(faultOf("net.core.somaxconn"), undefined);
  assert.equal(faultOf("net.core.somaxconn2"), '"net.core.somaxconn2" not allowlisted');
  assert.equal(faultOf("kernel.shmmax"), '"kernel.shmmax" not allowlisted');
  assert.equal(faultOf("kernel.core_pattern"), '"kernel.core_pattern" not allowlisted');
});

Deno.test("what a pod shares with its node it does not set", () => {
  const allowed = ["kernel.msg*"];
  const onNetwork = { hostNetwork: true };
  assert.equal(
    sysctlFault("net.ipv4.tcp_syncookies", onNetwork, allowed),
    '"net.ipv4.tcp_syncookies" not allowed with host Net enabled',
  );
  assert.equal(sysctlFault("kernel.msgmax", onNetwork, allowed), undefined);
  assert.equal(
    sysctlFault("kernel.msgmax", { hostIPC: true }, allowed),
    '"kernel.msgmax" not allowed with host IPC enabled',
  );
  assert.equal(sysctlFault("net.ipv4.tcp_syncookies", { hostIPC: true }, allowed), undefined);
});

Deno.test("dots are part of a device's name where slashes separate", () => {
  assert.equal(
    normalSysctl("net/ipv4/conf/eno2.100/rp_filter"),
    "net.ipv4.conf.eno2/100.rp_filter",
  );
  assert.equal(
    normalSysctl("net.ipv4.conf.eno2/100.rp_filter"),
    "net.ipv4.conf.eno2/100.rp_filter",
  );
  assert.equal(normalSysctl("kernel"), "kernel");
});
