import assert from "node:assert/strict";
import fc from "fast-check";
import { podOf } from "../pods/next_step_fixture.ts";
import { type Device, NodeDevices } from "./node_devices.ts";

const TTY = "coracle.dev/tty";
const FUSE = "coracle.dev/fuse";
const device = (resource: string, id: string): Device => ({ resource, id, device: id });
const DEVICES = [
  device(TTY, "/dev/ttyUSB0"),
  device(TTY, "/dev/ttyUSB1"),
  device(FUSE, "/dev/fuse#0"),
];

type Requests = Record<string, string>;

function pod(uid: string, requests: Record<string, Requests>, init: Record<string, Requests> = {}) {
  const list = (of: Record<string, Requests>) =>
    Object.entries(of).map(([name, each]) => ({ name, image: "a", resources: { requests: each } }));
  const made = podOf({ spec: { containers: list(requests), ["initContainers"]: list(init) } });
  return { ...made, metadata: { ...made.metadata, uid } };
}

const idsOf = (devices: NodeDevices, uid: string, container: string) =>
  devices.of(uid, container).map(({ id }) => id);

Deno.test("a node advertises how many containers can have a device", () => {
  assert.deepEqual(new NodeDevices(DEVICES).capacity, { [TTY]: "2", [FUSE]: "1" });
});

Deno.test("a device has one container, which keeps it until its pod has ended", () => {
  const devices = new NodeDevices(DEVICES);
  const one = { main: { [TTY]: "1" } };
  assert.equal(devices.claim(pod("a", one)), undefined);
  assert.equal(devices.claim(pod("b", one)), undefined);
  assert.deepEqual(idsOf(devices, "a", "main"), ["/dev/ttyUSB0"]);
  assert.deepEqual(idsOf(devices, "b", "main"), ["/dev/ttyUSB1"]);
  assert.equal(devices.claim(pod("a", one)), undefined); // it has what it needs
  assert.deepEqual(idsOf(devices, "a", "main"), ["/dev/ttyUSB0"]);
  assert.deepEqual(devices.claim(pod("c", one)), { resource: TTY, requested: 1, available: 0 });
  assert.deepEqual(idsOf(devices, "c", "main"), []);
  devices.release("a");
  assert.equal(devices.claim(pod("c", one)), undefined);
  assert.deepEqual(idsOf(devices, "c", "main"), ["/dev/ttyUSB0"]);
});

Deno.test("a pod that cannot have all that it requests gets nothing", () => {
  const devices = new NodeDevices(DEVICES);
  assert.deepEqual(
    devices.claim(pod("a", { main: { [FUSE]: "1" }, other: { [TTY]: "3" } })),
    { resource: TTY, requested: 3, available: 2 },
  );
  assert.equal(devices.claim(pod("b", { main: { [FUSE]: "1", [TTY]: "2" } })), undefined);
  assert.deepEqual(idsOf(devices, "b", "main").sort(), [
    ...["/dev/fuse#0", "/dev/ttyUSB0", "/dev/ttyUSB1"],
  ]);
});

Deno.test("containers use what init containers before them have used", () => {
  const devices = new NodeDevices(DEVICES);
  const two = { [TTY]: "2" };
  assert.equal(devices.claim(pod("a", { main: two }, { first: two, second: two })), undefined);
  for (const name of ["main", "first", "second"]) assert.equal(idsOf(devices, "a", name).length, 2);
});

Deno.test("what containers have is known again after a restart", () => {
  const devices = new NodeDevices(DEVICES);
  devices.adopt({ podUid: "b", name: "main", devices: ["/dev/ttyUSB0"] });
  assert.equal(devices.claim(pod("a", { main: { [TTY]: "1" } })), undefined);
  assert.deepEqual(idsOf(devices, "a", "main"), ["/dev/ttyUSB1"]);
  assert.equal(devices.claim(pod("b", { main: { [TTY]: "1" } })), undefined);
  assert.deepEqual(idsOf(devices, "b", "main"), ["/dev/ttyUSB0"]);
});

Deno.test("no two pods ever have one device", () => {
  const uid = fc.constantFrom("a", "b", "c", "d");
  const action = fc.oneof(
    fc.record({ uid, tty: fc.nat(3), side: fc.nat(2) }),
    fc.record({ uid, release: fc.constant(true) }),
  );
  fc.assert(fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
    const devices = new NodeDevices(DEVICES);
    for (const each of actions) {
      if ("release" in each) devices.release(each.uid);
      else {
        devices.claim(
          pod(each.uid, { main: { [TTY]: `${each.tty}` }, side: { [TTY]: `${each.side}` } }),
        );
      }
      const all = ["a", "b", "c", "d"].flatMap((uid) =>
        ["main", "side"].flatMap((name) => idsOf(devices, uid, name))
      );
      assert.equal(new Set(all).size, all.length, all.join());
    }
  }));
});
