import assert from "node:assert/strict";
import { prepareMessage, readMessage } from "./log_files.ts";
import { PodFolder } from "../folders/pod_folder.ts";

Deno.test("termination message are the end of a plain file, never of what a link or a pipe leads to", async () => {
  const data = await Deno.makeTempDir();
  const folder = new PodFolder(data, "u");
  const read = () => readMessage(folder, "main", 0);
  assert.equal(await read(), "");
  const path = await prepareMessage(folder, "main", 0);
  assert.equal((await Deno.stat(path)).mode! & 0o777, 0o666);
  assert.equal(await read(), "");
  await Deno.writeTextFile(path, "no database");
  assert.equal(await read(), "no database");
  await Deno.writeTextFile(path, `${"x".repeat(5_000)}end`);
  assert.match(await read(), /^x{4093}end$/);
  await Deno.truncate(path, 2 ** 40); // a hole takes no room
  assert.equal((await read()).length, 4096);

  await Deno.writeTextFile(`${data}/secret`, "secret");
  await Deno.remove(path);
  await Deno.symlink(`${data}/secret`, path);
  assert.equal(await read(), "");
  await Deno.remove(path);
  await new Deno.Command("mkfifo", { args: [path] }).output();
  assert.equal(await read(), "");
  await Deno.remove(data, { recursive: true });
});
