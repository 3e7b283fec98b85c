import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import * as valibot from "valibot";

import * as sdk from "../sdk.ts";

/**
 * Gives the domains below a folder what they import: `ekiden` is the engine's own wherever they lie, for its classes must be
 * those that the engine knows, and so is `valibot` where they bring none.
 */
export function provideImports(folder: string): void {
  const brings = above(folder).some((one) => existsSync(join(one, "node_modules", "valibot")));
  Bun.plugin({
    name: "what domains import",
    setup(build) {
      build.module("ekiden", () => ({ exports: sdk, loader: "object" }));
      if (!brings) build.module("valibot", () => ({ exports: valibot, loader: "object" }));
    },
  });
}

/** What to do when a domain does not find a package; undefined: it is not that which is wrong. */
export function packageHint(message: string, folder: string): string | undefined {
  const name = /Cannot find package ['"]([^'"]+)['"]/.exec(message)?.[1];
  if (name === undefined) return undefined;
  return `Install ${name} in ${folder} or a folder above it. Only ekiden and valibot come with the engine.`;
}

function above(folder: string): readonly string[] {
  const here = resolve(folder);
  const parent = dirname(here);
  return parent === here ? [here] : [here, ...above(parent)];
}
