import assert from "node:assert/strict";
import { type MadePath, makeLinks, MountPoints, removeMade } from "./mount_points.ts";

Deno.test("without namespaces a mount is a link, made with its folders and removed with them", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const mount = {
      hostPath: `${folder}/volume`,
      containerPath: `${folder}/a/b/c`,
      readOnly: true,
    };
    await Deno.mkdir(mount.hostPath);
    const made = await makeLinks([mount]);
    assert.equal(await Deno.readLink(mount.containerPath), mount.hostPath);
    assert.deepEqual(await makeLinks([mount]), []);
    await removeMade(made);
    assert.deepEqual((await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name), [
      "volume",
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a path that is somebody else's is refused, and nothing stays half made", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${folder}/taken`);
    const mounts = ["free", "taken"].map((name) => ({
      hostPath: "/tmp",
      containerPath: `${folder}/${name}`,
      readOnly: false,
    }));
    await assert.rejects(makeLinks(mounts), {
      reason: "CreateContainerError",
      message: /^Cannot mount "\/tmp" at ".*\/taken": the path is already there; /,
    });
    assert.deepEqual((await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name), [
      "taken",
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("mounts that every pod has are left out where they cannot be shown", async () => {
  const mount = { hostPath: "/nowhere", containerPath: "/etc/hosts", readOnly: false };
  assert.deepEqual(await makeLinks([mount]), []);
});

Deno.test("a mount point that replicas share is made once and goes with the last, also after a restart", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const mount = { hostPath: "/tmp", containerPath: `${folder}/a/b`, readOnly: false };
    const written = new Map<string, readonly MadePath[]>();
    const open = () =>
      new MountPoints({ isPrivileged: true, load: () => Promise.resolve(new Map(written)) });
    const first = open();
    const make = (points: MountPoints, id: string) =>
      points.make(id, [mount], (made) => Promise.resolve(void written.set(id, made)));
    await Promise.all([make(first, "one"), make(first, "two")]);
    await first.remove("one");
    written.delete("one");
    assert.ok((await Deno.stat(mount.containerPath)).isDirectory, "the other one needs it");
    await open().remove("two");
    assert.deepEqual(await Array.fromAsync(Deno.readDir(folder)), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
