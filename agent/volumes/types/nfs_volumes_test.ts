import assert from "node:assert/strict";
import { shareOf } from "./nfs_volumes.ts";

Deno.test("a share is mounted by the server's name and its path, read-only when it is to be", () => {
  const share = (source: { server: string; path: string; readOnly?: boolean }, more = {}) => {
    const volume = { pod: undefined, name: "v", folder: "/pods/v", source, ...more };
    return shareOf(volume as never); // its pod does not count
  };
  assert.deepEqual(share({ server: "nas.example.com", path: "/export" }), {
    type: "nfs",
    source: "nas.example.com:/export",
    folder: "/pods/v",
    options: [],
  });
  assert.equal(share({ server: "fd00::5", path: "/" }).source, "[fd00::5]:/");
  const persistent = { spec: { mountOptions: ["nfsvers=4.1", "hard"] } };
  const both = share({ server: "nas", path: "/", readOnly: true }, { persistent });
  assert.deepEqual(both.options, ["ro", "nfsvers=4.1", "hard"]);
});
