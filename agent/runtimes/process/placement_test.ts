import assert from "node:assert/strict";
import type { ContainerSpec } from "../container_runtime.ts";
import { joinedCommand, placedCommand, type PlacementTools } from "./placement.ts";
import { PLACED } from "./supervisor.ts";

type Place = Pick<ContainerSpec, "network" | "mounts" | "security">;

const here: Place = { network: "host", mounts: [], security: {} };
const plain: PlacementTools = { setsid: "setsid" };
const root: PlacementTools = {
  setsid: "setsid",
  privileged: { nsenter: "nsenter", unshare: "unshare", setpriv: "setpriv", mount: "/bin/mount" },
};

Deno.test("a process starts in its folder, and each step becomes the next", () => {
  assert.deepEqual(placedCommand(here, ["web", "-v"], "/it's", plain), [
    "/bin/sh",
    "-e",
    "-c",
    `cd '/it'\\''s'; ${PLACED}; exec "$@" <&4 4<&-`,
    "container",
    "/bin/sh",
    "-s",
    "--",
    "web",
    "-v",
  ]);
});

Deno.test("as root it enters the pod's network, binds its mounts and changes its user", () => {
  const place: Place = {
    network: { namespacePath: "/run/netns/a" },
    mounts: [{ hostPath: "/v", containerPath: "/data", readOnly: true }],
    security: { runAsUser: 1000, allowPrivilegeEscalation: false },
  };
  const mounts = "/bin/mount --rbind '/v' '/data'\n/bin/mount -o remount,bind,ro '/data'";
  const script = `${mounts}\ncd '/'\n${PLACED}\nexec "$@" <&4 4<&-`;
  assert.deepEqual(placedCommand(place, ["web"], "/", root), [
    "nsenter",
    "--net=/run/netns/a",
    "unshare",
    "--mount",
    "--propagation",
    "private",
    "/bin/sh",
    "-e",
    "-c",
    script,
    "container",
    "setpriv",
    "--reuid=1000",
    "--clear-groups",
    "--regid=0",
    "--no-new-privs",
    "--bounding-set=-all,+chown,+dac_override,+fsetid,+fowner,+setgid,+setuid,+setpcap," +
    "+net_bind_service,+kill",
    "--inh-caps=-all",
    "/bin/sh",
    "-s",
    "--",
    "web",
  ]);
  assert.deepEqual(joinedCommand(place, 42, ["ls"], "/", root).slice(0, 6), [
    "nsenter",
    "--target",
    "42",
    "--net",
    "--mount",
    "--",
  ]);
});

Deno.test("as root it keeps the capabilities of a container alone", () => {
  const boundOf = (security: Place["security"]) =>
    placedCommand({ ...here, security }, ["web"], "/", root)
      .find((word) => word.startsWith("--bounding-set="))?.slice("--bounding-set=".length);
  assert.equal(boundOf({ capabilitiesDrop: ["ALL"] }), "-all");
  assert.equal(
    boundOf({ capabilitiesDrop: ["ALL"], capabilitiesAdd: ["NET_RAW"] }),
    "-all,+net_raw",
  );
  assert.match(boundOf({ capabilitiesAdd: ["NET_RAW"] })!, /,\+kill,\+net_raw$/);
  assert.doesNotMatch(boundOf({ capabilitiesDrop: ["KILL"] })!, /kill/);
  assert.equal(boundOf({ capabilitiesAdd: ["ALL"], capabilitiesDrop: ["MKNOD"] }), "-mknod");
  assert.equal(boundOf({ privileged: true }), undefined);
});

Deno.test("without root, another user is refused", () => {
  const security = { runAsUser: Deno.uid()! + 1 };
  assert.throws(() => placedCommand({ ...here, security }, ["web"], "/", plain), {
    reason: "CreateContainerError",
    message: /Cannot run as user \d+: the process runtime is not root/,
  });
});
