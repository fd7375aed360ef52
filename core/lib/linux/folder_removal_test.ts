import assert from "node:assert/strict";
import { removeFolder } from "./folder_removal.ts";

Deno.test("a folder goes with what is in it, and nothing else", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.mkdir(`${folder}/-rf a/b`, { recursive: true });
  await Deno.writeTextFile(`${folder}/kept`, "kept");
  await Deno.symlink(folder, `${folder}/-rf a/b/link`);
  await removeFolder(`${folder}/-rf a`);
  await removeFolder(`${folder}/-rf a`);
  await removeFolder(`${folder}/nowhere/at/all`);
  assert.deepEqual((await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name), ["kept"]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("what cannot be removed is named", async () => {
  await assert.rejects(
    removeFolder("/proc/self/fd"),
    /Cannot remove "\/proc\/self\/fd": .*rm: cannot/,
  );
});
