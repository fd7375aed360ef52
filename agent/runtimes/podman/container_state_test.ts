import assert from "node:assert/strict";
import { LABEL } from "./container_create.ts";
import { type ContainerInspection, containerState, listedState } from "./container_state.ts";

const STARTED = "2026-11-22T22:13:06.5Z";
const NEVER = "0001-01-01T00:00:00Z";
const NEVER_SECONDS = -62_135_596_800;

function inspected(Status: string, StartedAt: string, FinishedAt = NEVER): ContainerInspection {
  const Labels = { [LABEL.podUid]: "uid", [LABEL.name]: "main", [LABEL.restartCount]: "2" };
  const State = { Status, ExitCode: 0, OOMKilled: false, StartedAt, FinishedAt };
  return { Id: "id", Image: "image", Config: { Labels }, State };
}

Deno.test("a container that ran when the machine went down has ended, nobody knows how or when", () => {
  const state = containerState(inspected("created", STARTED))!;
  assert.deepEqual(
    [state.state, state.exitCode, state.startedAtMs, state.finishedAtMs],
    ["exited", 255, Date.parse(STARTED), undefined],
  );
  assert.equal(state.restartCount, 2);
  const StartedAt = Date.parse(STARTED) / 1_000;
  assert.equal(listedState({ Id: "id", State: "created", StartedAt }), "exited");
});

Deno.test("a container that was never started is created", () => {
  const state = containerState(inspected("created", NEVER))!;
  assert.deepEqual([state.state, state.exitCode], ["created", undefined]);
  assert.equal(listedState({ Id: "id", State: "created", StartedAt: NEVER_SECONDS }), "created");
});

Deno.test("the end of a very short container is not before its start", () => {
  const state = containerState(inspected("exited", STARTED, "2026-11-22T22:13:06.4Z"))!;
  assert.deepEqual([state.state, state.exitCode], ["exited", 0]);
  assert.equal(state.finishedAtMs, state.startedAtMs);
});
