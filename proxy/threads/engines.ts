/** An engine as one chooses it: how a thread is started that runs on it. */
export interface ProxyEngine {
  readonly name: string;
  /** A worker whose module calls `serveThread` with an engine of its own. */
  startThread(): Worker;
  /** The same for the thread whose clients speak TLS. Absent: it has none. */
  startTlsThread?(): Worker;
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

/** What the thread that speaks TLS may do: call OpenSSL besides. It is started when a listener asks for it. */
export const TLS_PERMISSIONS = { ...PROXY_PERMISSIONS, ffi: true } as const;

/** Deno's own sockets, wherever Deno runs. */
export const denoEngine: ProxyEngine = {
  name: "deno",
  startThread: () =>
    new Worker(new URL("./worker.ts", import.meta.url), {
      type: "module",
      name: "proxy",
      deno: { permissions: PROXY_PERMISSIONS },
    }),
  startTlsThread: () =>
    new Worker(new URL("./tls_worker.ts", import.meta.url), {
      type: "module",
      name: "proxy tls",
      deno: { permissions: TLS_PERMISSIONS },
    }),
};
