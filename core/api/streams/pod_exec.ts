import type { Pod } from "../../resources/core/pods/pods.ts";
import { pods } from "../../resources/core/pods/pods.ts";
import { nameOf } from "../verbs/request.ts";
import { refuseOrdinary, runCommand } from "./command.ts";
import { wantedStreams } from "./command_options.ts";
import { exitStatus } from "./command_status.ts";
import { containerOf } from "./container_choice.ts";
import type { Stream, StreamParts, UpgradeRequest } from "./stream.ts";
import { podOf, queryOf } from "./upgrade_target.ts";

/** pods/NAME/exec: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ */
export function podExec(parts: StreamParts): Stream {
  return {
    subresource: "exec",
    answer: (request) => {
      const { c, objects } = request;
      const pod = objects.get(pods, nameOf(request)).object as Pod;
      containerOf(pod, c.req.query("container"));
      throw refuseOrdinary(c.req.method);
    },
    upgrade: (request) => upgrade(request, parts),
  };
}

async function upgrade(request: UpgradeRequest, parts: StreamParts): Promise<void> {
  const { name, pod } = podOf(request);
  const query = queryOf(request);
  const container = containerOf(pod, query.get("container") ?? undefined);
  const streams = wantedStreams((name) => query.get(name) ?? undefined);
  const command = query.getAll("command");
  await runCommand(request, parts, {
    pod: name,
    wanted: streams,
    prepare: () => parts.nodeStreams.exec(name, { container, command, streams }),
    failure: "error executing command in container",
    statusOf: async (session) => exitStatus(await session.exitCode()),
  });
}
