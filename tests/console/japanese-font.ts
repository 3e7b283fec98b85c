import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import type { BrowserContextOptions, Page } from "playwright-core";

const FOLDER = dirname(fileURLToPath(import.meta.resolve("@fontsource-variable/noto-sans-jp/index.css")));

/** How a page is opened that is to be given a font: the console's policy lets no style in but its own. */
export const WITH_FONT = { bypassCSP: true } satisfies BrowserContextOptions;

/** Gives a page a font for Japanese, which the browser of the tests has not; resolves when it is drawn. */
export async function giveJapaneseFont(page: Page): Promise<void> {
  await page.route("**/files/noto-sans-jp-*.woff2", (route) =>
    route.fulfill({ path: join(FOLDER, new URL(route.request().url()).pathname) }),
  );
  const faces = await Bun.file(join(FOLDER, "index.css")).text();
  await page.addStyleTag({ content: faces.replaceAll("url(./", "url(/") });
  await page.evaluate(USE);
}

/** Behind the console's own fonts, for what they have not; only those files are read that hold what is shown. */
const USE = `(async () => {
  const family = '"Noto Sans JP Variable"';
  const { style } = document.documentElement;
  for (const name of ["--sans", "--mono"]) {
    style.setProperty(name, getComputedStyle(document.documentElement).getPropertyValue(name) + ", " + family);
  }
  for (const weight of [400, 600, 700]) await document.fonts.load(weight + " 13px " + family, document.body.innerText);
})()`;
