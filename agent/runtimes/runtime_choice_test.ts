import assert from "node:assert/strict";
import { silentLog } from "../../core/lib/log.ts";
import { VirtualClock } from "../../core/lib/virtual_clock.ts";
import { LOG_LIMITS } from "./log_limits.ts";
import { RUNTIMES } from "./mod.ts";
import { chooseRuntime, runtimeChoices } from "./runtime_choice.ts";
import { type RuntimeContext, RuntimeMissing, type RuntimeType } from "./runtime_type.ts";
import { SimulatedRuntime } from "./simulated/simulated_runtime.ts";

const clock = new VirtualClock();
const context: RuntimeContext = {
  nodeName: "node-a",
  dataFolder: "/data",
  version: "0.1.0",
  clock,
  log: silentLog(clock),
  logLimits: LOG_LIMITS,
  isTemporary: false,
  flags: {},
};

const missing: RuntimeType = {
  name: "missing",
  open: () => Promise.reject(new RuntimeMissing("Cannot use it: it is not installed")),
};
const broken: RuntimeType = { name: "broken", open: () => Promise.reject(new Error("no")) };
const whole = typeOf("whole");
const plain = typeOf("plain", "nothing is isolated");

Deno.test("auto takes the first runtime that the machine has, and says why not a better one", async () => {
  const cases: [types: RuntimeType[], choice: string, notice: string | undefined][] = [
    [[whole, plain], "auto", undefined],
    [[missing, whole], "auto", undefined],
    [
      [missing, plain],
      "auto",
      "Cannot use it: it is not installed; until then nothing is isolated",
    ],
    [[whole, plain], "plain", "As asked, nothing is isolated"],
    [[missing, whole], "whole", undefined],
  ];
  for (const [types, choice, notice] of cases) {
    const chosen = await chooseRuntime(types, choice, context);
    assert.equal(chosen.notice, notice);
  }
});

Deno.test("a runtime that is asked for by name has no substitute", async () => {
  const error = { name: "RuntimeMissing", message: "Cannot use it: it is not installed" };
  await assert.rejects(chooseRuntime([missing, whole], "missing", context), error);
  await assert.rejects(chooseRuntime([missing], "auto", context), error);
  await assert.rejects(chooseRuntime([whole], "other", context), { name: "RuntimeMissing" });
});

Deno.test("a runtime that fails in another way than by not being there is not passed over", async () => {
  await assert.rejects(chooseRuntime([broken, whole], "auto", context), { message: "no" });
});

Deno.test("the command line offers what is in the list", () => {
  assert.deepEqual(runtimeChoices(RUNTIMES), ["auto", "podman", "process"]);
});

function typeOf(name: string, limitation?: string): RuntimeType {
  return {
    name,
    open: () =>
      Promise.resolve({
        runtime: new SimulatedRuntime({ clock }),
        protectedPaths: [],
        ...(limitation !== undefined && { limitation }),
        close: () => Promise.resolve(),
      }),
  };
}
