import assert from "node:assert/strict";
import { tarArchive } from "./tar_archive.ts";

Deno.test("tar(1) unpacks what is written", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const content = new TextEncoder().encode("x".repeat(700));
    await Deno.writeFile(
      `${folder}/a.tar`,
      tarArchive([
        { name: "bin/", mode: 0o755 },
        { name: "bin/tool", mode: 0o750, content },
        { name: "bin/other", mode: 0o777, link: "tool" },
        { name: "empty", mode: 0o600, content: new Uint8Array() },
      ]),
    );
    const { code, stderr } = await new Deno.Command("tar", {
      args: ["-xf", `${folder}/a.tar`, "-C", folder, "--no-same-owner", "-p"],
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    assert.deepEqual(await Deno.readFile(`${folder}/bin/other`), content);
    assert.equal((await Deno.stat(`${folder}/bin/tool`)).mode! & 0o777, 0o750);
    assert.equal((await Deno.stat(`${folder}/empty`)).size, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
