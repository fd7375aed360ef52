import assert from "node:assert/strict";
import { type FolderFacts, makePrivateFolder, privacyFaultOf } from "./private_folder.ts";

const OURS: FolderFacts = { isDirectory: true, uid: 1000, mode: 0o40700 };

const CASES: readonly [facts: Partial<FolderFacts>, fault: RegExp | undefined][] = [
  [{}, undefined],
  [{ mode: 0o40500 }, undefined],
  [{ mode: 0o40755 }, /^"\/d" is open to others \(mode 0755\); close it with "chmod 700 \/d"$/],
  [{ mode: 0o40710 }, /mode 0710/],
  [{ mode: 0o40701 }, /mode 0701/],
  [{ uid: 0 }, /^"\/d" belongs to user 0, not to user 1000; .*"chown -R 1000 \/d"$/],
  [{ isDirectory: false }, /^"\/d" is a link or a file, not a folder; remove it with "rm \/d"$/],
  [{ uid: null, mode: null }, undefined],
];

Deno.test("a folder is private when it is ours and nobody else may look in", () => {
  for (const [facts, fault] of CASES) {
    const found = privacyFaultOf("/d", { ...OURS, ...facts }, 1000);
    if (fault === undefined) assert.equal(found, undefined);
    else assert.match(found ?? "", fault);
  }
});

Deno.test("a private folder is made 0700; an open one is refused and left as it is", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/a/b`;
  await makePrivateFolder(path);
  await makePrivateFolder(path);
  assert.equal((await Deno.stat(path)).mode! & 0o777, 0o700);
  await Deno.chmod(path, 0o755);
  await assert.rejects(makePrivateFolder(path), { name: "SharedFolderError" });
  assert.equal((await Deno.stat(path)).mode! & 0o777, 0o755);
  await Deno.symlink(path, `${folder}/link`);
  await assert.rejects(makePrivateFolder(`${folder}/link`), /is a link or a file/);
  await Deno.remove(folder, { recursive: true });
});
