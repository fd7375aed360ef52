import assert from "node:assert/strict";
import type { ContainerSpec } from "../container_runtime.ts";
import { joinedCommand, placedCommand, type PlacementTools } from "./placement.ts";
import { PLACED } from "./supervisor.ts";

type Place = Pick<ContainerSpec, "network" | "mounts" | "security">;

const here: Place = { network: "host", mounts: [], security: {} };
const plain: PlacementTools = { setsid: "setsid" };
const root: PlacementTools = {
  setsid: "setsid",
  privileged: { nsenter: "nsenter", unshare: "unshare", setpriv: "setpriv" },
};

Deno.test("a process starts in its folder, and each step becomes the next", () => {
  assert.deepEqual(placedCommand(here, ["web", "-v"], "/it's", plain), [
    ...["/bin/sh", "-e", "-c", `cd '/it'\\''s'; ${PLACED}; exec "$@"`, "container", "web", "-v"],
  ]);
});

Deno.test("as root it enters the pod's network, binds its mounts and changes its user", () => {
  const place: Place = {
    network: { namespacePath: "/run/netns/a" },
    mounts: [{ hostPath: "/v", containerPath: "/data", readOnly: true }],
    security: { runAsUser: 1000, allowPrivilegeEscalation: false },
  };
  const mounts = "mount --rbind '/v' '/data'\nmount -o remount,bind,ro '/data'";
  const script = `${mounts}\ncd '/'\n${PLACED}\nexec "$@"`;
  assert.deepEqual(placedCommand(place, ["web"], "/", root), [
    ...["nsenter", "--net=/run/netns/a", "unshare", "--mount", "--propagation", "private"],
    ...["/bin/sh", "-e", "-c", script, "container"],
    ...["setpriv", "--reuid=1000", "--clear-groups", "--regid=0", "--no-new-privs", "web"],
  ]);
  assert.deepEqual(joinedCommand(place, 42, ["ls"], "/", root).slice(0, 6), [
    ...["nsenter", "--target", "42", "--net", "--mount", "--"],
  ]);
});

Deno.test("without root, another user is refused", () => {
  const security = { runAsUser: Deno.uid()! + 1 };
  assert.throws(() => placedCommand({ ...here, security }, ["web"], "/", plain), {
    reason: "CreateContainerError",
    message: /Cannot run as user \d+: the process runtime is not root/,
  });
});
