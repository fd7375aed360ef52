/** An engine as one chooses it: how a thread is started that runs on it. */
export interface ProxyEngine {
  readonly name: string;
  /** A worker whose module calls `serveThread` with an engine of its own. */
  startThread(): Worker;
}

/** What a thread that reads strangers' bytes may do: use the network, and nothing else of this machine. */
export const PROXY_PERMISSIONS = {
  net: true,
  read: false,
  write: false,
  env: false,
  sys: false,
  run: false,
  ffi: false,
  import: false,
} as const;

/** Deno's own sockets, wherever Deno runs. */
export const denoEngine: ProxyEngine = {
  name: "deno",
  startThread: () =>
    new Worker(new URL("./worker.ts", import.meta.url), {
      type: "module",
      name: "proxy",
      deno: { permissions: PROXY_PERMISSIONS },
    }),
};
