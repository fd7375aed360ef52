import assert from "node:assert/strict";
import { type VolumeFile, writeFilesAtomically, writeTextFile } from "./atomic_files.ts";

const START_MS = Date.parse("2026-01-01T00:00:00Z");

Deno.test("files are there as a whole after whoever showed them was killed anywhere in it", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await writeFilesAtomically(folder, [shown("a", "old"), shown("gone", "x")], START_MS);
    const files = [shown("a", "new"), shown("below/b", "b")];
    for (const left of [() => removeNames(folder), () => removeAll(folder)]) {
      await left();
      await writeFilesAtomically(folder, files, START_MS + 1_000);
      assert.equal(await Deno.readTextFile(`${folder}/a`), "new");
      assert.equal(await Deno.readTextFile(`${folder}/below/b`), "b");
      await assert.rejects(Deno.lstat(`${folder}/gone`), Deno.errors.NotFound);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("nothing is written when the files are as they were", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const files = [shown("a", "1")];
    await writeFilesAtomically(folder, files, START_MS);
    const before = (await Deno.lstat(folder)).mtime;
    await writeFilesAtomically(folder, files, START_MS + 1_000);
    assert.deepEqual((await Deno.lstat(folder)).mtime, before);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("who is not root can read what is shown, also when the agent's umask is strict", async () => {
  const folder = await Deno.makeTempDir();
  const umask = Deno.umask(0o077);
  try {
    await writeFilesAtomically(`${folder}/files`, [shown("below/b", "b")], START_MS);
    await writeTextFile(`${folder}/hosts`, "127.0.0.1 localhost");
  } finally {
    Deno.umask(umask);
  }
  try {
    const modeOf = async (path: string) => ((await Deno.stat(`${folder}/${path}`)).mode! & 0o777);
    const paths = ["files/..data", "files/below", "files/below/b", "hosts"];
    const modes = await Promise.all(paths.map(modeOf));
    assert.deepEqual(modes, [0o755, 0o755, 0o644, 0o644]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

function shown(path: string, text: string): VolumeFile {
  return { path, bytes: new TextEncoder().encode(text), mode: 0o644 };
}

/** The link to the files was swapped, and no name for a new file made. */
async function removeNames(folder: string): Promise<void> {
  await writeFilesAtomically(folder, [shown("a", "new"), shown("below/b", "b")], START_MS + 500);
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.startsWith("..")) await Deno.remove(`${folder}/${name}`);
  }
  await Deno.symlink("..data/gone", `${folder}/gone`);
}

/** The new files were written, and nothing points at them yet. */
async function removeAll(folder: string): Promise<void> {
  await Deno.remove(`${folder}/..data`);
  for (const name of ["a", "below"]) await Deno.remove(`${folder}/${name}`);
  await Deno.symlink("nowhere", `${folder}/..data_tmp`);
}
