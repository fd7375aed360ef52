import assert from "node:assert/strict";
import { startPodmanService } from "../../agent/runtimes/podman/podman_service.ts";
import { SystemClock } from "../../core/lib/clock.ts";
import { programPath } from "../../core/lib/linux/program.ts";
import { silentLog } from "../../core/lib/log.ts";
import { runProgram } from "../kubectl.ts";
import { withServer } from "../server_process.ts";

Deno.test("a local user finds no key and no secret in a data folder that was open before the start", async () => {
  const folder = await Deno.makeTempDir({ prefix: "coracle-open-" });
  await Deno.chmod(folder, 0o755); // as systemd's StateDirectory= makes it
  const args = ["run", "-A", "main.ts", "server", "--data", folder, "--runtime", "process"];
  const { code, stderr } = await runProgram(Deno.execPath(), args);
  assert.equal(code, 1, stderr);
  assert.match(stderr, /is open to others \(mode 0755\); close it with "chmod 700 \/.*"/);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(folder)), [], "something was written");
  await Deno.remove(folder);
});

Deno.test("a local user can read nothing that a server makes, though his umask is open", () =>
  withServer({ runtime: "process" }, async ({ dataFolder }) => {
    const open: string[] = [];
    const look = async (folder: string) => {
      for await (const { name, isDirectory } of Deno.readDir(folder)) {
        const path = `${folder}/${name}`;
        const { mode } = await Deno.lstat(path);
        if (name.endsWith(".crt")) continue; // certificates are for everybody
        if (((mode ?? 0) & 0o077) !== 0) open.push(path.slice(dataFolder.length));
        if (isDirectory) await look(path);
      }
    };
    await look(dataFolder);
    assert.equal((await Deno.stat(dataFolder)).mode! & 0o777, 0o700);
    assert.deepEqual(open, []);
  }));

const missing = ["podman", "conmon"].find((name) => programPath(name) === undefined);

Deno.test({
  name: "a local user who came first gets no server to talk to his Podman" +
    (missing ? ` (${missing} is missing: apt-get install podman runc)` : ""),
  ignore: missing !== undefined || Deno.build.os !== "linux",
  fn: async () => {
    const folder = await Deno.makeTempDir({ prefix: "coracle-squat-" });
    const runFolder = `${folder}/run`;
    await Deno.mkdir(`${runFolder}/state/exits`, { recursive: true });
    await Deno.chmod(runFolder, 0o777);
    using listener = Deno.listen({ transport: "unix", path: `${runFolder}/podman.sock` });
    let asked = 0;
    const serve = async () => {
      for await (const connection of listener) {
        asked++;
        connection.close();
      }
    };
    const served = serve();
    const clock = new SystemClock();
    await assert.rejects(
      startPodmanService({ folder: `${folder}/podman`, runFolder, clock, log: silentLog(clock) }),
      { name: "SharedFolderError", message: /"chmod 700 .*run"$/ },
    );
    assert.equal(asked, 0);
    listener.close();
    await served;
    await Deno.remove(folder, { recursive: true });
  },
});
