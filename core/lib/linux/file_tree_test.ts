import assert from "node:assert/strict";
import { FileTree, OutsideError, type Walk } from "./file_tree.ts";
import { mountPoints } from "./mount_table.ts";

const ignore = !isPossible();
const hint = ignore ? " (needs root on Linux with glibc)" : "";

Deno.test({
  name: `a path is followed as far as it stays inside, through links too${hint}`,
  ignore,
  fn: () =>
    withFolder((folder) => {
      Deno.mkdirSync(`${folder}/in/a/b`, { recursive: true });
      Deno.writeTextFileSync(`${folder}/in/a/b/file`, "");
      Deno.writeTextFileSync(`${folder}/secret`, "");
      for (
        const [name, target] of Object.entries({
          "in/link": "a/b",
          "in/a/up": "../a/b/file",
          "in/out": "..",
          "in/far": "a/../../secret",
          "in/absolute": `${folder}/in/a`,
          "in/circle": "circle",
        })
      ) Deno.symlinkSync(target, `${folder}/${name}`);
      const leadsTo = (path: string) => {
        try {
          return placeIn(`${folder}/in`, path).slice(folder.length);
        } catch (error) {
          return error instanceof OutsideError ? "outside" : (error as Error).message;
        }
      };
      const cases: Record<string, string> = {
        "": "/in",
        "a//./b/": "/in/a/b",
        "link/file": "/in/a/b/file",
        "a/up": "/in/a/b/file",
        "out": "outside",
        "out/secret": "outside",
        "far": "outside",
        "absolute": "outside",
        "a/../../secret": "outside",
        "circle": 'Too many links on "circle"',
        "a/b/file/x": 'Cannot open "x": Not a directory',
        "nothing": 'Cannot open "nothing": No such file or directory',
        ["d/".repeat(200)]: 'Cannot open "d": No such file or directory',
      };
      for (const [path, place] of Object.entries(cases)) assert.equal(leadsTo(path), place, path);
    }),
});

Deno.test({
  name: `what is missing is made of the mode that was asked for, whatever the umask is${hint}`,
  ignore,
  fn: () =>
    withFolder((folder) => {
      const walk = { missing: { folderMode: 0o777, fileMode: 0o666 } };
      placeIn(folder, "a/b/file", walk);
      placeIn(folder, "a/b/file", walk);
      const modes = ["a", "a/b", "a/b/file"].map((path) =>
        (Deno.statSync(`${folder}/${path}`).mode ?? 0) & 0o777
      );
      assert.deepEqual(modes, [0o777, 0o777, 0o666]);
    }),
});

Deno.test({
  name: `nothing is made where the check says no, and no path is deeper than the limit${hint}`,
  ignore,
  fn: () =>
    withFolder((folder) => {
      const check = () => {
        throw new Error("not here");
      };
      const walk = { missing: { folderMode: 0o755, check } };
      assert.throws(() => placeIn(folder, "a/b", walk), { message: "not here" });
      const endless = { missing: { folderMode: 0o755 } };
      assert.throws(() => placeIn(folder, "d/".repeat(200), endless), /deeper than 128 folders/);
    }),
});

Deno.test({
  name: `from the root, absolute links are followed${hint}`,
  ignore,
  fn: () =>
    withFolder((folder) => {
      Deno.mkdirSync(`${folder}/a`);
      Deno.symlinkSync(`${folder}/a`, `${folder}/link`);
      assert.equal(placeIn("/", `${folder}/link/../a`, { isRoot: true }), `${folder}/a`);
    }),
});

Deno.test({
  name: `what is held stays what it is, and what is bound is what was held${hint}`,
  ignore,
  fn: () =>
    withFolder((folder) => {
      using tree = FileTree.open()!;
      for (const name of ["v/x", "outside", "place"]) {
        Deno.mkdirSync(`${folder}/${name}`, { recursive: true });
      }
      Deno.writeTextFileSync(`${folder}/v/x/file`, "mine");
      Deno.writeTextFileSync(`${folder}/outside/file`, "secret");
      using root = tree.hold(`${folder}/v`);
      using held = tree.holdBelow(root, "x");
      Deno.renameSync(`${folder}/v/x`, `${folder}/v/moved`);
      Deno.symlinkSync(`${folder}/outside`, `${folder}/v/x`);
      try {
        tree.bind(held, `${folder}/place`);
        assert.equal(Deno.readTextFileSync(`${folder}/place/file`), "mine");
      } finally {
        tree.unmount([`${folder}/place`]);
      }
      const left = mountPoints(Deno.readTextFileSync("/proc/self/mountinfo"));
      assert.deepEqual(left.filter((path) => path.startsWith(folder)), []);
    }),
});

function placeIn(folder: string, path: string, walk?: Walk): string {
  using tree = FileTree.open()!;
  using root = tree.hold(folder);
  using held = tree.holdBelow(root, path, walk);
  return Deno.readLinkSync(held.procPath);
}

async function withFolder(act: (folder: string) => void): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    act(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function isPossible(): boolean {
  using tree = FileTree.open();
  return tree !== undefined;
}
