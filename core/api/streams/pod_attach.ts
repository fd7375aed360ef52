import { type Pod, pods } from "../../resources/core/pods/pods.ts";
import { nameOf } from "../verbs/request.ts";
import { refuseOrdinary, runCommand } from "./command.ts";
import { wantedStreams } from "./command_options.ts";
import { SUCCESS } from "./command_status.ts";
import { containerOf } from "./container_choice.ts";
import type { Stream, StreamParts, UpgradeRequest } from "./stream.ts";
import { podOf, queryOf } from "./upgrade_target.ts";

/** pods/NAME/attach: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ */
export function podAttach(parts: StreamParts): Stream {
  return {
    subresource: "attach",
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
  await runCommand(request, parts, {
    pod: name,
    wanted: streams,
    prepare: () => parts.nodeStreams.attach(name, { container, streams }),
    failure: "error attaching to container",
    statusOf: () => Promise.resolve(SUCCESS),
  });
}
