import { assert } from "../../core/lib/assert.ts";
import { criFormat } from "./cri_format.ts";
import type { LogFormat } from "./log_format.ts";
import { rawFormat } from "./raw_format.ts";

/** Every format of logs. A new one is one file and one line here. */
export const LOG_FORMATS: readonly LogFormat[] = [criFormat, rawFormat];

/** The format that a runtime names. */
export function logFormatOf(name: string): LogFormat {
  const format = LOG_FORMATS.find((each) => each.name === name);
  assert(format !== undefined, `There is no log format "${name}"`);
  return format;
}
