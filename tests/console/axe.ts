import axe from "axe-core";
import type { Page } from "playwright-core";

/** Rules whose verdict depends on colours or on the room there is; what they read besides is the same in every theme. */
const LOOKS = ["color-contrast", "link-in-text-block", "target-size", "scrollable-region-focusable"];
const HEIGHT = 900;

/** What keeps people out of a page: rule, the first place, and how many there are. `looks`: by the rules of looks alone. */
export async function axeFaults(page: Page, looks = false): Promise<string[]> {
  if ((await page.evaluate("typeof axe")) === "undefined") await page.evaluate(axe.source);
  const options = looks ? { runOnly: { type: "rule", values: LOOKS } } : {};
  const violations = (await page.evaluate(
    `axe.run(${JSON.stringify(options)}).then(({ violations }) => violations)`,
  )) as {
    id: string;
    nodes: { html: string; failureSummary: string }[];
  }[];
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary} (${nodes.length})`);
}

/**
 * What axe finds on a page in both themes, wide and narrow, and whether it is as wide as the window. Every rule is run
 * once wide and once narrow; the other two looks by what can differ.
 */
export async function faultsInAllLooks(page: Page, name: string, there?: string): Promise<string[]> {
  const found: string[] = [];
  for (const [colorScheme, width, looks] of [
    ["light", 1280, false],
    ["dark", 1280, true],
    ["dark", 390, false],
    ["light", 390, true],
  ] as const) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: HEIGHT });
    if (there !== undefined) await page.locator(there).first().waitFor();
    found.push(...(await axeFaults(page, looks)).map((fault) => `${name} ${colorScheme} at ${width}: ${fault}`));
    const wide = Number(await page.evaluate("document.documentElement.scrollWidth"));
    if (wide > width) found.push(`${name} is ${wide} wide at ${width}`);
  }
  return found;
}
