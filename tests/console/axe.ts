import axe from "axe-core";
import type { Page } from "playwright-core";

import type { Stand } from "./stand.ts";

/** Rules that read colours; what the others read is the same in both themes. */
const COLOURS = ["color-contrast", "link-in-text-block"];
const HEIGHT = 900;

/** What keeps people out of a page: rule, the first place, and how many there are. `colours`: by the rules of colours alone. */
export async function axeFaults(page: Page, colours = false): Promise<string[]> {
  if ((await page.evaluate("typeof axe")) === "undefined") await page.evaluate(axe.source);
  const rules = colours
    ? { runOnly: { type: "rule", values: COLOURS } }
    : { rules: { "target-size": { enabled: true } } };
  // What passes is not written out.
  const options = { ...rules, resultTypes: ["violations"] };
  const violations = (await page.evaluate(
    `axe.run(${JSON.stringify(options)}).then(({ violations }) => violations)`,
  )) as {
    id: string;
    nodes: { html: string; failureSummary: string }[];
  }[];
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary} (${nodes.length})`);
}

/** Every rule wide and narrow, and each theme at each width. */
const LOOKS = [
  ["light", 1280, false],
  ["dark", 1280, true],
  ["dark", 390, false],
  ["light", 390, true],
] as const;

/** What axe finds on a page in both themes, wide and narrow, and whether it is as wide as the window. */
export async function faultsInAllLooks(
  page: Page,
  name: string,
  { there = "main h1", looks = LOOKS }: { there?: string | undefined; looks?: readonly (typeof LOOKS)[number][] } = {},
): Promise<string[]> {
  const found: string[] = [];
  for (const [colorScheme, width, colours] of looks) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: HEIGHT });
    await page.locator(there).first().waitFor();
    found.push(...(await axeFaults(page, colours)).map((fault) => `${name} ${colorScheme} at ${width}: ${fault}`));
    const wide = Number(await page.evaluate("document.documentElement.scrollWidth"));
    if (wide > width) found.push(`${name} is ${wide} wide at ${width}`);
  }
  return found;
}

interface Looked {
  readonly path: string;
  /** What is drawn when the page can be looked at. */
  readonly there?: string;
  readonly locale?: string;
}

/** The same for many pages, two at a time. */
export async function faultsOfPages(stand: Stand, pages: readonly Looked[]): Promise<string[]> {
  const found: string[] = [];
  const left = [...pages];
  const lane = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const { path, there, locale = "en-GB" } = next;
      const page = await stand.open(path, { locale });
      await page.locator("main h1").waitFor();
      await page.locator("main .skeleton").first().waitFor({ state: "detached" });
      // Colours are the same in every language.
      const looks = locale === "en-GB" ? LOOKS : LOOKS.filter(([, , colours]) => !colours);
      found.push(...(await faultsInAllLooks(page, `${path} ${locale}`, { there, looks })));
      await page.context().close();
    }
  };
  await Promise.all([lane(), lane()]);
  return found;
}
