import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const SHOP = resolve(import.meta.dir, "../tests/support/shop");
/** Steps of the long saga, and items of the wide one: each of these is a command and an answer. */
export const STEPS = 500;
export const ITEMS = 10_000;

/** The shop with two more definitions: one of 500 steps, and one over a list. */
export async function largeDomains(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "ekiden-console-bench-"));
  // By a link, its handlers find their packages.
  await mkdir(join(path, "shop"));
  await symlink(join(SHOP, "shop/domain.ts"), join(path, "shop/domain.ts"));
  await Bun.write(join(path, "long.saga.yaml"), longSource());
  await Bun.write(join(path, "wide.saga.yaml"), WIDE);
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Its last step is rejected, so that all of it is undone. */
function longSource(): string {
  const order = 'with: { amount: "${ input.amount }", customer: "${ input.customer }" }';
  const steps = Array.from(
    { length: STEPS - 1 },
    (_none, index) =>
      `  - step: prepare_part_${index + 1}\n    command: shop.reserve\n    ${order}\n    compensate: shop.release`,
  );
  return `saga: long
version: 1
input:
  amount: integer
  customer: string
steps:
${steps.join("\n")}
  - step: ship
    command: shop.ship
    ${order}
`;
}

const WIDE = `saga: wide
version: 1
input:
  amounts: "list<integer>"
steps:
  - step: parts
    each:
      in: input.amounts
      as: amount
      concurrency: 100
      max: 10000
      steps:
        - step: pack
          command: shop.reserve
          with: { amount: "\${ amount }", customer: Abe }
`;
