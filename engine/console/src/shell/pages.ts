import type { ComponentType } from "preact";

import { begin } from "../data/early.ts";
import { me } from "../data/session.ts";
import { sagaReads } from "../pages/saga/reads.ts";
import { t } from "./text.ts";

/** What stands in the address: `:name` of a page's pattern. */
export interface PageProps {
  readonly parts: Readonly<Record<string, string>>;
}

/** A page of the console. */
export interface Page {
  /** `/sagas/:id`. */
  readonly pattern: string;
  /** Its code is fetched when somebody first goes there. */
  readonly load: () => Promise<ComponentType<PageProps>>;
  /** What it asks for first, which is asked for while its code is fetched. */
  readonly reads?: (parts: Readonly<Record<string, string>>, query: URLSearchParams) => readonly string[];
  /** In the navigation, under this word and behind the keys `g` and this one. */
  readonly nav?: Nav;
}

interface Nav {
  readonly text: () => string;
  readonly key: string;
  /** It shows what belongs to no single definition: a key for some definitions may not read it. */
  readonly ofAll?: true;
}

/** To which most links lead. */
const SAGA = "/sagas/:id";

/** Every page. The engine serves the same document at their paths: engine/api/console-routes.ts. */
const PAGES: readonly Page[] = [
  {
    pattern: "/",
    load: async () => (await import("../pages/overview/overview.tsx")).Overview,
    nav: { text: () => t("overview"), key: "o" },
  },
  {
    pattern: "/sagas",
    load: async () => (await import("../pages/sagas/sagas.tsx")).Sagas,
    nav: { text: () => t("sagas"), key: "s" },
  },
  {
    pattern: SAGA,
    load: async () => (await import("../pages/saga/saga.tsx")).SagaPage,
    reads: ({ id = "" }, query) => sagaReads(id, query),
  },
  {
    pattern: "/parked",
    load: async () => (await import("../pages/parked/parked.tsx")).Parked,
    nav: { text: () => t("parked"), key: "p" },
  },
  {
    pattern: "/consumers",
    load: async () => (await import("../pages/consumers/consumers.tsx")).Consumers,
    nav: { text: () => t("consumers"), key: "c", ofAll: true },
  },
  {
    pattern: "/pipeline",
    load: async () => (await import("../pages/pipeline/pipeline.tsx")).PipelinePage,
    nav: { text: () => t("pipeline"), key: "i", ofAll: true },
  },
  {
    pattern: "/definitions",
    load: async () => (await import("../pages/definitions/definitions.tsx")).Definitions,
    nav: { text: () => t("definitions"), key: "d" },
  },
  {
    pattern: "/definitions/:name",
    load: async () => (await import("../pages/definitions/definition.tsx")).DefinitionPage,
  },
];

/** Begins to fetch a page's code and what it asks for first. */
export function beginPage({ page, parts }: Found, query: URLSearchParams): Promise<ComponentType<PageProps>> {
  for (const path of page.reads?.(parts, query) ?? []) begin(path);
  return page.load();
}

/** Fetches the code of the page to which most links lead, and of the help, before somebody asks for them. */
export function foresee(): void {
  import("./help.tsx").catch(() => undefined);
  // Where it cannot be fetched now, whoever goes there hears of it.
  PAGES.find(({ pattern }) => pattern === SAGA)
    ?.load()
    .catch(() => undefined);
}

/** What whoever is signed in finds in the navigation. */
export function navigation(): readonly (Nav & { readonly pattern: string })[] {
  return PAGES.flatMap(({ pattern, nav }) =>
    nav === undefined || (nav.ofAll === true && me.value?.definitions !== null) ? [] : [{ ...nav, pattern }],
  );
}

/** What a page is called: the word in the navigation, of itself or of the page that it belongs to. */
export function titleOf({ pattern }: Page): string {
  const of = PAGES.find(
    (page) => page.nav !== undefined && (page.pattern === pattern || pattern.startsWith(`${page.pattern}/`)),
  );
  return of?.nav?.text() ?? "";
}

/** A page, with what stands in its path. */
interface Found {
  readonly page: Page;
  readonly parts: Readonly<Record<string, string>>;
}

/** The page at a path. */
export function pageAt(path: string): Found | undefined {
  for (const page of PAGES) {
    const parts = partsOf(page.pattern, path);
    if (parts !== undefined) return { page, parts };
  }
  return undefined;
}

function partsOf(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split("/");
  const given = path.split("/");
  if (wanted.length !== given.length) return undefined;
  const parts: Record<string, string> = {};
  for (const [index, segment] of wanted.entries()) {
    const own = given[index] ?? "";
    if (segment.startsWith(":") && own !== "") {
      const part = decoded(own);
      if (part === undefined) return undefined;
      parts[segment.slice(1)] = part;
    } else if (segment !== own) return undefined;
  }
  return parts;
}

/** What stands in a path; undefined: it was cut off, or never written by a program. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
