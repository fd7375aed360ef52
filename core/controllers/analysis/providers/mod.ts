import { prometheus } from "./prometheus.ts";
import { proxy } from "./proxy.ts";
import type { Provider } from "./provider.ts";
import { web } from "./web.ts";

/** Who measures metrics. A new one is one file and one line here. Jobs are run by the controller. */
export const PROVIDERS: readonly Provider[] = [web, prometheus, proxy];
