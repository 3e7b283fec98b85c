import axe from "axe-core";
import type { Page } from "playwright-core";

/** What keeps people out of a page: rule, the first place, and how many there are. */
export async function axeFaults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const violations = (await page.evaluate("axe.run().then(({ violations }) => violations)")) as {
    id: string;
    nodes: { html: string; failureSummary: string }[];
  }[];
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary} (${nodes.length})`);
}
