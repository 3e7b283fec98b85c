import chromium from "@sparticuz/chromium";
import { type Browser, chromium as playwright } from "playwright-core";

/**
 * A headless browser, out of the package that holds it; unpacked into the machine's temporary folder on first use. Run
 * without its sandbox, which root may not have: it only ever opens the engine under test.
 */
export async function openBrowser(): Promise<Browser> {
  return playwright.launch({
    executablePath: await chromium.executablePath(),
    args: ["--no-sandbox", "--no-zygote", "--disable-gpu"],
    headless: true,
  });
}
