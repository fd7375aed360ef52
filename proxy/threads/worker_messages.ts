import type { RelayAddress } from "../../core/traffic/far/relaying.ts";
import type { ListenReport, TableInUse, ThreadStats } from "./proxy_thread.ts";
import type { RouteTable } from "../table/route_table.ts";

/** What the main thread tells a worker. */
export type ToWorker =
  | { type: "start"; positions: SharedArrayBuffer; sharesPorts: boolean; relay?: RelayAddress }
  | { type: "use"; version: number; table: RouteTable; cells: Readonly<Record<string, number>> }
  | { type: "stats"; id: number }
  | { type: "stop"; drainMs: number };

/** What a worker tells the main thread. */
export type FromWorker =
  /** The table is in use. */
  | ({ type: "used"; version: number } & TableInUse)
  | { type: "listeners"; report: ListenReport }
  | { type: "drained"; podUid: string }
  | { type: "setIdle"; set: string }
  | { type: "stats"; id: number; stats: ThreadStats }
  | { type: "stopped" };
