/** How often an agent pings, and after how long without a word either end considers the tunnel lost. */
export interface TunnelTimes {
  pingMs: number;
  deadMs: number;
}

/** By what the uplink is: NATs forget what is silent for 30 s or longer, and each ping costs some 230 bytes. */
export const UPLINKS = {
  usual: { pingMs: 15_000, deadMs: 40_000 },
  metered: { pingMs: 25_000, deadMs: 60_000 },
  wired: { pingMs: 5_000, deadMs: 12_000 },
} as const satisfies Record<string, TunnelTimes>;
export type Uplink = keyof typeof UPLINKS;
