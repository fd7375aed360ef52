import { ApiError } from "../../../client/api_error.ts";
import type { ContainerSession, WantedStreams } from "../../../client/container_session.ts";
import { concat } from "../../../lib/bytes.ts";
import { messageOf } from "../../../lib/error_message.ts";
import { LocalClient } from "../../../objects/local_client.ts";
import type { Objects } from "../../../objects/objects.ts";
import type { Node } from "../../../resources/core/nodes/nodes.ts";
import { containerNamed } from "../../../resources/core/pods/spec/pod_containers.ts";
import { type Pod, pods } from "../../../resources/core/pods/pods.ts";
import { sendText } from "../../http/answer.ts";
import { methodNotAllowed, type ObjectRequest } from "../../verbs/request.ts";
import { refuseOrdinary, runCommand } from "../command.ts";
import { wantedStreams } from "../command_options.ts";
import { exitStatus, SUCCESS } from "../command_status.ts";
import { askedLog } from "../log_options.ts";
import { sendLog } from "../pod_log.ts";
import { forwardPorts } from "../pod_port_forward.ts";
import type { StreamParts, UpgradeRequest } from "../stream.ts";
import { queryOf } from "../upgrade_target.ts";
import type { ContainerPath } from "./container_paths.ts";

/** What `/run` gives back: the CRI's limit for a command that is run at once. */
const RUN_BYTES_MAX = 16 * 1024 * 1024;
const OUTPUT: WantedStreams = { stdin: false, stdout: true, stderr: true, tty: false };

/** Answers as the kubelet of the node: in plain text, whatever it is. */
export async function answerContainer(
  request: ObjectRequest,
  node: Node,
  path: ContainerPath,
  parts: StreamParts,
): Promise<Response> {
  const { c, objects } = request;
  try {
    switch (path.what) {
      case "containerLogs":
        if (c.req.method !== "GET") throw methodNotAllowed();
        return await answerLog(request, node, path, parts);
      case "run":
        if (c.req.method !== "POST") throw methodNotAllowed();
        return await answerRun(request, node, path, parts);
      default:
        podAt(objects, node, path);
        throw refuseOrdinary(c.req.method);
    }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return sendText(c, error.code, error.message);
  }
}

async function answerLog(
  { c, objects, clock }: ObjectRequest,
  node: Node,
  path: ContainerPath,
  parts: StreamParts,
): Promise<Response> {
  const tail = c.req.query("tail"); // an old name
  const query = (name: string) =>
    name === "tailLines" && tail !== undefined
      ? (tail === "all" ? undefined : tail)
      : c.req.query(name);
  const asked = invalidAsPlain(() => askedLog(query, clock, path.pod));
  const pod = podAt(objects, node, path, `pod "${path.pod}" does not exist`);
  const { container } = path;
  if (!containerNamed(pod.spec, container)) {
    throw new ApiError("NotFound", `container "${container}" not found in pod "${path.pod}"`);
  }
  return await sendLog(c, nameOf(path), { ...asked, container }, parts);
}

function invalidAsPlain<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    const isInvalid = error instanceof ApiError && error.reason === "Invalid";
    throw isInvalid ? new ApiError("Invalid", '{"message": "Invalid request."}') : error;
  }
}

async function answerRun(
  { c, objects }: ObjectRequest,
  node: Node,
  path: ContainerPath,
  { nodeStreams, open }: StreamParts,
): Promise<Response> {
  podAt(objects, node, path);
  const command = (c.req.query("cmd") ?? "").split(" ");
  const request = { container: path.container, command, streams: OUTPUT };
  const end = open.open(c.get("isCurrent"));
  let session: ContainerSession | undefined;
  try {
    session = await (await nodeStreams.exec(nameOf(path), request))();
    const close = () => session?.close();
    end.signal.addEventListener("abort", close, { once: true });
    c.env?.outgoing?.once("close", close);
    const text = new TextDecoder().decode(await outputOf(session));
    const code = await session.exitCode();
    if (code === 0) return sendText(c, 200, text, "application/json");
    throw new Error(`command '${command.join(" ")}' exited with ${code}: ${text}`);
  } catch (error) {
    return sendText(c, 500, messageOf(error));
  } finally {
    session?.close();
    open.close(end);
  }
}

/** What comes on both streams; the rest is left out when it is too much. */
async function outputOf({ output }: ContainerSession): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let left = RUN_BYTES_MAX;
  for await (const { bytes } of output) {
    pieces.push(bytes.subarray(0, left));
    left -= bytes.length;
    if (left <= 0) break;
  }
  return concat(pieces);
}

/** Hands the connection over to a command, a container or ports, as the kubelet of the node does. */
export async function upgradeContainer(
  request: UpgradeRequest,
  node: Node,
  path: ContainerPath,
  parts: StreamParts,
): Promise<void> {
  if (request.incoming.method !== "GET" && request.incoming.method !== "POST") {
    throw methodNotAllowed();
  }
  const query = queryOf(request);
  const { what, container } = path;
  if (what === "containerLogs" || what === "run") throw methodNotAllowed();
  const name = nameOf(path);
  if (what === "portForward") {
    return await forwardPorts(request, parts, { name, pod: podAt(request.objects, node, path) });
  }
  const streams = wantedStreams((name) => query.get(PARAMETERS[name] ?? name) ?? undefined);
  podAt(request.objects, node, path);
  const { nodeStreams } = parts;
  const command = query.getAll("command");
  await runCommand(request, parts, {
    ...{ pod: name, wanted: streams },
    ...(what === "exec"
      ? {
        prepare: () => nodeStreams.exec(name, { container, command, streams }),
        failure: "error executing command in container",
        statusOf: async (session) => exitStatus(await session.exitCode()),
      }
      : {
        prepare: () => nodeStreams.attach(name, { container, streams }),
        failure: "error attaching to container",
        statusOf: () => Promise.resolve(SUCCESS),
      }),
  });
}

/** What a kubelet calls them: `k8s.io/api/core/v1`, ExecStdinParam and its like. */
const PARAMETERS: Readonly<Record<string, string>> = {
  stdin: "input",
  stdout: "output",
  stderr: "error",
};

/** A pod of that node. Throws NotFound in the words of the kubelet. */
function podAt(
  objects: Objects,
  { metadata }: Node,
  { namespace, pod: name, uid }: ContainerPath,
  words = "pod does not exist",
): Pod {
  const pod = new LocalClient(objects).get(pods, { namespace, name });
  const isMeant = uid === undefined || pod?.metadata.uid === uid;
  if (pod && isMeant && pod.spec.nodeName === metadata.name) return pod;
  throw new ApiError("NotFound", words);
}

function nameOf({ namespace, pod }: ContainerPath): { namespace: string; name: string } {
  return { namespace, name: pod };
}
