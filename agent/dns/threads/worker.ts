/// <reference lib="deno.worker" />
import { SystemClock } from "../../../core/lib/clock.ts";
import { collectStartGarbage } from "../../../core/lib/linux/footprint/freed_memory.ts";
import { DenoTransport } from "../sockets/deno_transport.ts";
import { DnsService } from "./dns_service.ts";
import type { ToDns } from "./messages.ts";

const GARBAGE_MS = 14_500;
const clock = new SystemClock();
let service: DnsService | undefined;
collectStartGarbage(clock, GARBAGE_MS);

/** A thread that answers DNS. Started by `new Worker(…)`, never imported. */
self.onmessage = async ({ data }: MessageEvent<ToDns>) => {
  switch (data.type) {
    case "start":
      service = new DnsService({
        settings: data.settings,
        clock,
        transport: new DenoTransport(clock),
        read: (path) => Deno.readTextFileSync(path),
        randomId: () => crypto.getRandomValues(new Uint16Array(1))[0]!,
        tell: (message) => self.postMessage(message),
      });
      return await service.listen();
    case "change":
      return service!.change(data.changes);
    case "stop":
      await service?.stop();
      self.close();
  }
};
