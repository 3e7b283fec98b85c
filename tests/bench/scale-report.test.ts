import { expect, test } from "bun:test";

import { withSection } from "../../bench/scale-report.ts";

test("a scenario that is measured again takes the place of its older figures; the others stay as they are", () => {
  const first = withSection("", { title: "Rows of history", lines: ["one"] });
  const both = withSection(first, { title: "Definitions", lines: ["two"] });
  const again = withSection(both, { title: "Rows of history", lines: ["three"] });

  const sections = (page: string) => page.slice(page.indexOf("## "));
  expect(sections(both)).toBe("## Rows of history\n\none\n\n## Definitions\n\ntwo\n");
  expect(sections(again)).toBe("## Rows of history\n\nthree\n\n## Definitions\n\ntwo\n");
  expect(again.startsWith("# Scale\n")).toBe(true);
});
