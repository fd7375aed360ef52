import { ApiError } from "../../client/api_error.ts";
import type { WantedStreams } from "../../client/container_session.ts";
import { flag, type Query } from "../http/query_parameters.ts";

/**
 * The streams that a request for a command or an attachment asks for. Throws BadRequest when it asks for none. In the words
 * of the kubelet: `pkg/cri/streaming/remotecommand/httpstream.go`, NewOptions.
 */
export function wantedStreams(query: Query): WantedStreams {
  const tty = flag(query, "tty") ?? false;
  const streams = {
    stdin: flag(query, "stdin") ?? false,
    stdout: flag(query, "stdout") ?? false,
    stderr: (flag(query, "stderr") ?? false) && !tty,
    tty,
  };
  if (streams.stdin || streams.stdout || streams.stderr) return streams;
  throw new ApiError("BadRequest", "you must specify at least 1 of stdin, stdout, stderr");
}
