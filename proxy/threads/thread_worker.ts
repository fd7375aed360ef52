/// <reference lib="deno.worker" />
import type { Engine } from "../engine/engine.ts";
import { RelayingEngine } from "../engine/relaying_engine.ts";
import { ProxyThread, type ThreadTls } from "./proxy_thread.ts";
import type { FromWorker, ToWorker } from "./worker_messages.ts";

/** Makes this worker a thread of the proxy that runs on `engine`: it does what `Proxy` tells it. `tls`: of listeners that speak it. */
export function serveThread(engine: Engine, tls?: ThreadTls): void {
  let thread: ProxyThread | undefined;
  self.onmessage = async ({ data }: MessageEvent<ToWorker>) => {
    switch (data.type) {
      case "start":
        thread = new ProxyThread({
          ...(tls && { tls }),
          engine: data.relay ? new RelayingEngine(engine, data.relay) : engine,
          positions: new Int32Array(data.positions),
          sharesPorts: data.sharesPorts,
          onDrained: (podUid) => send({ type: "drained", podUid }),
          onSetIdle: (set) => send({ type: "setIdle", set }),
          onListeners: (report) => send({ type: "listeners", report }),
        });
        return;
      case "use":
        return send({
          type: "used",
          version: data.version,
          ...await thread!.use(data.table, data.cells),
        });
      case "stats":
        return send({ type: "stats", id: data.id, stats: thread!.stats() });
      case "stop":
        await thread!.stop(data.drainMs);
        send({ type: "stopped" });
        self.close();
    }
  };
}

function send(message: FromWorker): void {
  self.postMessage(message);
}
