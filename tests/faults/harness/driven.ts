import { cp, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";

import { root } from "../../architecture/project-files.ts";
import { RELAY } from "../../support/relay-effects.ts";
import { copyTree, type Tree } from "../../support/tree.ts";

/** A copy of the project with one folder that holds every shipped definition, so that one engine runs them all. */
export interface Driven {
  readonly tree: Tree;
  /** For EKIDEN_DOMAINS. */
  readonly domains: string;
  /** The world outside, of the saga `voyage`. */
  readonly abroad: string;
}

const SHIPPED = ["domains", "examples/order", "examples/settlement", "examples/subscription"] as const;

/** Copies it. Two examples have a domain `payment`; that of the subscriptions is called `card` here. */
export async function drivenTree(): Promise<Driven> {
  const tree = await copyTree();
  const domains = join(tree.path, "driven");
  const abroad = join(tree.path, "outside");
  await mkdir(abroad, { recursive: true });
  for (const folder of SHIPPED) {
    for (const name of await readdir(join(root, folder))) {
      if (name === "data" || /\.(?:json|test\.yaml)$/.test(name)) continue;
      await cp(join(root, folder, name), join(domains, rename(folder, name)), { recursive: true });
    }
  }
  for (const file of ["handlers.ts", "sql/0001_init.sql"])
    await tree.edit(`driven/card/${file}`, /\bpayment\.(?=payment\b|declined_card\b)/g, "card.");
  await tree.edit("driven/card/domain.ts", 'name: "payment"', 'name: "card"');
  await tree.edit("driven/renewal.saga.yaml", "command: payment.charge", "command: card.charge");
  await cp(RELAY, domains, { recursive: true });
  await cp(join(import.meta.dir, "abroad"), join(domains, "abroad"), { recursive: true });
  await cp(join(import.meta.dir, "voyage.saga.yaml"), join(domains, "voyage.saga.yaml"));
  return { tree, domains, abroad };
}

function rename(folder: string, name: string): string {
  return folder === "examples/subscription" && name === "payment" ? "card" : name;
}
