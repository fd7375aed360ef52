/// <reference lib="deno.worker" />
import { SystemClock } from "../../lib/clock.ts";
import { Openssl } from "../../lib/linux/openssl.ts";
import { Sockets } from "../../lib/linux/sockets.ts";
import { Relays } from "./relays.ts";
import type { FromThread, StartThread } from "./thread_messages.ts";

/** The thread that speaks TLS for the API. Started by `new Worker(…)`, never imported. */
self.onmessage = ({ data: start }: MessageEvent<StartThread>) => {
  let relays: Relays | undefined;
  try {
    const clock = new SystemClock();
    relays = new Relays({ ...libraries(), start, now: () => clock.elapsed(), tell });
    relays.run();
    relays.close();
    tell({ type: "stopped" });
  } catch (error) {
    relays?.close();
    tell({ type: "died", reason: error instanceof Error ? error.message : String(error) });
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

function tell(message: FromThread): void {
  self.postMessage(message);
}
