import assert from "node:assert/strict";
import { Hono } from "hono";
import type { ApiEnv } from "./api_context.ts";
import {
  LARGE_YAML_READS_MAX,
  limitYaml,
  SMALL_YAML_BYTES_MAX,
  SMALL_YAML_READS_MAX,
} from "./limit_yaml.ts";

const ASKED = 40;

Deno.test("few requests read large YAML at a time, and small YAML does not wait for them", async () => {
  const scene = new Scene();
  const large = scene.ask(SMALL_YAML_BYTES_MAX + 1);
  await scene.settled();
  assert.equal(scene.reading, LARGE_YAML_READS_MAX);
  const small = scene.ask(SMALL_YAML_BYTES_MAX);
  await scene.settled();
  assert.equal(scene.reading, LARGE_YAML_READS_MAX + SMALL_YAML_READS_MAX);
  await scene.finish();
  const statuses = (await Promise.all([...large, ...small])).map(({ status }) => status);
  assert.deepEqual(new Set(statuses), new Set([200]));
  assert.equal(scene.read, 2 * ASKED);
});

/** Requests that read for as long as nobody lets them finish. */
class Scene {
  reading = 0;
  read = 0;
  readonly #app = new Hono<ApiEnv>();
  readonly #finish = Promise.withResolvers<void>();

  constructor() {
    this.#app.use(limitYaml());
    this.#app.put("/:length", async (c) => {
      const length = Number(c.req.param("length"));
      await c.get("readInTurn")({ length }, () => this.#read());
      return c.text("");
    });
  }

  ask(length: number): Promise<Response>[] {
    return Array.from(
      { length: ASKED },
      async () => await this.#app.request(`/${length}`, { method: "PUT" }),
    );
  }

  async settled(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
  }

  finish(): void {
    this.#finish.resolve();
  }

  async #read(): Promise<void> {
    this.reading++;
    await this.#finish.promise;
    this.read++;
  }
}
