import assert from "node:assert/strict";
import { mountPoints, readMounts } from "./mount_table.ts";

Deno.test("mount points are unescaped, innermost first", () => {
  const text = `22 1 0:20 / / rw - ext4 /dev/root rw
30 22 0:4 net:[4026532] /run/netns/a rw - nsfs nsfs rw
31 22 0:5 / /mnt/with\\040space rw - tmpfs none rw
`;
  assert.deepEqual(mountPoints(text), ["/mnt/with space", "/run/netns/a", "/"]);
});

Deno.test("a table that cannot be read is not an empty one: what is mounted would be removed", async () => {
  const none = () => Promise.reject(new Deno.errors.NotFound());
  assert.equal(await readMounts(none), "");
  const full = () => Promise.reject(new Error("Too many open files (os error 24)"));
  await assert.rejects(readMounts(full), /Too many open files/);
});
