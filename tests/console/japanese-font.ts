import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import type { BrowserContextOptions, Page } from "playwright-core";

const FOLDER = dirname(fileURLToPath(import.meta.resolve("@fontsource-variable/noto-sans-jp/index.css")));
const FAMILY = '"Noto Sans JP Variable"';

/** How a page is opened that is to be given a font: the console's policy lets none in. */
export const WITH_FONT = { bypassCSP: true } satisfies BrowserContextOptions;

/** Loads a page anew with a font for Japanese, which the browser of the tests has not; resolves when it is there. */
export async function giveJapaneseFont(page: Page): Promise<void> {
  const faces = await japaneseFaces();
  await page.route("**/files/noto-sans-jp-*.woff2", (route) =>
    route.fulfill({ path: join(FOLDER, new URL(route.request().url()).pathname) }),
  );
  await page.route("**/assets/*.css", async (route) => {
    const response = await route.fetch();
    const own = (await response.text()).replaceAll(/(--(?:sans|mono):)/g, `$1${FAMILY},`);
    await route.fulfill({ response, body: own + faces });
  });
  await page.reload();
  await page.locator("main h1, main .empty").first().waitFor();
  await page.locator("main .skeleton").first().waitFor({ state: "detached" });
  await page.evaluate("document.fonts.ready.then(() => true)");
}

/**
 * The faces of the font's Japanese parts, without ASCII and signs. It has to be the first of all fonts (behind others Chromium keeps
 * what it drew before a part was there), and what is not Japanese looks as it does without it.
 */
async function japaneseFaces(): Promise<string> {
  const faces = (await Bun.file(join(FOLDER, "index.css")).text()).split(/(?=\/\*)/);
  return faces
    .filter((face) => /^\/\* noto-sans-jp-\[\d+\]/.test(face))
    .join("")
    .replaceAll(/U\+(?:[0-9a-f]{1,2}|2[0-9ab][0-9a-f]{2})(?:-[0-9a-f]{1,4})?,\s*/gi, "")
    .replaceAll("url(./", "url(/");
}
