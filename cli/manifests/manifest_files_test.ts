import assert from "node:assert/strict";
import { readManifestFiles } from "./manifest_files.ts";

Deno.test("of a folder the manifests are read, also those that are links, as by kubectl", async () => {
  const folder = await Deno.makeTempDir({ prefix: "coracle-test-" });
  try {
    await Deno.mkdir(`${folder}/..data`); // as in a volume of a ConfigMap
    await Deno.writeTextFile(`${folder}/..data/b.yaml`, "b");
    await Deno.symlink("..data/b.yaml", `${folder}/b.yaml`);
    await Deno.writeTextFile(`${folder}/a.json`, "a");
    await Deno.writeTextFile(`${folder}/notes.txt`, "not a manifest");
    const files = await readManifestFiles([folder]);
    assert.deepEqual(files.map(({ text }) => text), ["a", "b"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
