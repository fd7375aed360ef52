import assert from "node:assert/strict";
import { type Capabilities, capabilitiesOf } from "./container_capabilities.ts";
import type { ContainerSpec } from "./container_runtime.ts";

const none = { added: [], dropped: [] };
const CASES: readonly [security: ContainerSpec["security"], wanted: Capabilities][] = [
  [{}, { of: "default", ...none }],
  [{ privileged: true, capabilitiesDrop: ["ALL"] }, { of: "all", ...none }],
  [{ capabilitiesAdd: ["NET_RAW"] }, { of: "default", added: ["NET_RAW"], dropped: [] }],
  [{ capabilitiesAdd: ["cap_net_raw", "NET_RAW"] }, {
    of: "default",
    added: ["NET_RAW"],
    dropped: [],
  }],
  [{ capabilitiesDrop: ["KILL"] }, { of: "default", added: [], dropped: ["KILL"] }],
  [{ capabilitiesAdd: ["KILL"], capabilitiesDrop: ["KILL"] }, {
    of: "default",
    added: [],
    dropped: ["KILL"],
  }],
  [{ capabilitiesDrop: ["ALL"] }, { of: "none", ...none }],
  [{ capabilitiesAdd: ["CHOWN"], capabilitiesDrop: ["all"] }, {
    of: "none",
    added: ["CHOWN"],
    dropped: [],
  }],
  [{ capabilitiesAdd: ["ALL"] }, { of: "all", ...none }],
  [{ capabilitiesAdd: ["ALL"], capabilitiesDrop: ["SYS_ADMIN"] }, {
    of: "all",
    added: [],
    dropped: ["SYS_ADMIN"],
  }],
  [{ capabilitiesAdd: ["ALL", "CHOWN"], capabilitiesDrop: ["ALL"] }, {
    of: "none",
    added: ["CHOWN"],
    dropped: [],
  }],
];

Deno.test("a container has the default capabilities, with what it adds and without what it drops", () => {
  for (const [security, wanted] of CASES) {
    assert.deepEqual(capabilitiesOf(security), wanted, JSON.stringify(security));
  }
});
