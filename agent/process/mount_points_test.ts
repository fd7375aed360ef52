import assert from "node:assert/strict";
import { makeLinks, removeMade } from "./mount_points.ts";

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
