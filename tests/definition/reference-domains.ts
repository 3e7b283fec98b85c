/** The domains and the saga that the examples of the reference use: contracts only, no handler runs here. */
import * as v from "valibot";
import { catalogOf } from "../../engine/definition/catalog.ts";
import { type LoadedDefinition, loadDefinition } from "../../engine/definition/load.ts";
import { defineDomain } from "../../engine/sdk.ts";

const Order = v.strictObject({ orderNo: v.string() });

const catalog = catalogOf([
  defineDomain({
    name: "stock",
    steps: {
      reserve: { input: Order, output: v.strictObject({ reservationId: v.string() }) },
      release: { input: Order },
    },
  }),
  defineDomain({
    name: "payment",
    steps: {
      authorise: { input: v.strictObject({ orderNo: v.string(), amount: v.number() }) },
      release: { input: Order },
    },
  }),
  defineDomain({ name: "shipping", steps: { ship: { input: Order } } }),
  defineDomain({
    name: "notification",
    steps: { mail: { input: v.strictObject({ to: v.string(), template: v.string() }) } },
  }),
]);

const CHILD = `saga: bank_transfer
version: 1
input: { account: string, amount: number }
steps: []
output: { account: "\${ input.account }" }
`;

/** Loads a file as the reference's examples are meant. */
export function loadExample(source: string): LoadedDefinition {
  const { definition: child } = loadDefinition(CHILD, { catalog: null });
  if (child === null) throw new Error("the child does not load");
  return loadDefinition(source, { catalog, definitions: new Map([[child.name, child]]) });
}
