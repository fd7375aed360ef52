import { ApiError } from "../../core/client/api_error.ts";
import { HttpClient } from "../../core/client/http_client.ts";
import { HttpsTransport } from "../../core/client/https_transport.ts";
import { LinkError } from "../../core/client/link_error.ts";
import { ServerLink } from "../../core/client/server_link.ts";
import { ServerTime } from "../../core/client/server_time.ts";
import { SystemClock } from "../../core/lib/clock.ts";
import { Log } from "../../core/lib/log.ts";
import { asCommandError, CommandError } from "../../server/command_error.ts";
import { accessOf } from "../../server/kubeconfig.ts";
import { VERSION } from "../../server/version.ts";

/** What a command has of the server that a kubeconfig names. */
export interface AdminLink {
  link: ServerLink;
  client: HttpClient;
  /** Known from the first answer on. */
  time: ServerTime;
  /** Its URL. */
  server: string;
  /** For what is no JSON, or takes long. */
  send: HttpsTransport["send"];
}

/** Does what a command does at a server. Throws a {@linkcode CommandError} for refusals, and for a server that is not there. */
export async function atServer<T>(
  { kubeconfig }: { kubeconfig?: string },
  command: string,
  act: (admin: AdminLink) => Promise<T>,
): Promise<T> {
  const access = await accessOf(kubeconfig);
  const clock = new SystemClock();
  const time = new ServerTime(clock);
  using https = new HttpsTransport({ ...access, userAgent: `coracle-${command}/${VERSION}` }, time);
  const { server } = access;
  const log = new Log({ clock, level: "error", format: "text", sink: () => {} });
  const link = new ServerLink({ transport: https.send, clock, log, server });
  try {
    return await act({ link, client: new HttpClient(link), time, server, send: https.send });
  } catch (error) {
    if (error instanceof ApiError) throw new CommandError(`The server refuses: ${error.message}`);
    if (!(error instanceof LinkError)) asCommandError(error);
    throw new CommandError(`${error.message}; is "coracle server" running?`);
  }
}
