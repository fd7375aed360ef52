import { messageOf } from "../../lib/error_message.ts";
/// <reference lib="deno.worker" />
import { SystemClock } from "../../lib/clock.ts";
import { Openssl } from "../../lib/linux/openssl.ts";
import { Sockets } from "../../lib/linux/sockets.ts";
import { Relays } from "./relays.ts";
import type { FromThread, StartThread } from "./thread_messages.ts";

/** The API's TLS thread. Started by `new Worker(…)`, never imported. */
self.onmessage = ({ data: start }: MessageEvent<StartThread>) => {
  let relays: Relays | undefined;
  try {
    const clock = new SystemClock();
    relays = new Relays({ ...libraries(), start, now: () => clock.elapsed(), post });
    relays.run();
    relays.close();
    post({ type: "stopped" });
  } catch (error) {
    relays?.close();
    post({ type: "died", reason: messageOf(error) });
  }
  self.close();
};

function libraries(): { sockets: Sockets; openssl: Openssl } {
  const sockets = Sockets.open();
  const openssl = Openssl.open();
  if (!sockets) throw new Error("the C library cannot be called");
  if ("missing" in openssl) throw new Error(openssl.missing);
  return { sockets, openssl };
}

function post(message: FromThread): void {
  self.postMessage(message);
}
