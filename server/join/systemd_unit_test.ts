import assert from "node:assert/strict";
import { JoinError } from "../../core/client/joining/join_error.ts";
import { installUnit, unitText } from "./systemd_unit.ts";

Deno.test("the unit starts the agent as it is told, whatever the names are, and leaves its pods alone", () => {
  const command = ["/opt/my tools/coracle", "agent", "--data", '/srv/100%/a"b\\c$d', "--node=x"];
  const text = unitText("edge-1", command);
  assert.match(
    text,
    /^ExecStart="\/opt\/my tools\/coracle" agent --data "\/srv\/100%%\/a\\"b\\\\c\$\$d" --node=x$/m,
  );
  assert.match(text, /^KillMode=process$/m);
  assert.match(text, /^Restart=always$/m);
  assert.doesNotMatch(text, /network-online/);
});

async function install(answers: (args: readonly string[]) => { code: number; stderr: string }) {
  const folder = await Deno.makeTempDir();
  const ran: string[] = [];
  const run = (program: string, args: readonly string[]) => {
    ran.push([program, ...args].join(" "));
    return Promise.resolve(answers(args));
  };
  const done = installUnit({ node: "edge", command: ["/bin/coracle", "agent"], folder, run });
  return {
    ran,
    done,
    text: async () => await Deno.readTextFile(`${folder}/coracle-agent.service`),
  };
}

Deno.test("the unit is written, enabled and started", async () => {
  const { ran, done, text } = await install(() => ({ code: 0, stderr: "" }));
  await done;
  assert.match(await text(), /ExecStart=\/bin\/coracle agent\n/);
  assert.deepEqual(ran, [
    "systemctl daemon-reload",
    "systemctl enable coracle-agent.service",
    "systemctl restart coracle-agent.service",
  ]);
});

Deno.test("where no systemd runs the unit is enabled all the same; what fails is told", async () => {
  const none = "System has not been booted with systemd as init system (PID 1). Can't operate.";
  const unbooted = await install(([what]) =>
    what === "enable" ? { code: 0, stderr: "" } : { code: 1, stderr: none }
  );
  await unbooted.done;
  const failing = await install(([what]) => ({ code: what === "restart" ? 1 : 0, stderr: "no\n" }));
  await assert.rejects(
    failing.done,
    (error) =>
      error instanceof JoinError &&
      /"systemctl restart coracle-agent.service" has failed: no;/.test(error.message),
  );
  const nowhere = installUnit({
    ...{ node: "edge", command: [], folder: "/dev/null" },
    run: () => assert.fail("nothing is run"),
  });
  await assert.rejects(nowhere, /run the command as root/);
});
