import { call } from "../../data/call.ts";
import type { DefinitionList } from "../../data/shapes.ts";
import { useCall } from "../../data/use-call.ts";
import { noticeFailure } from "../../parts/notice.tsx";
import { Loaded } from "../../parts/states.tsx";
import { go, useQuery, withQuery } from "../../shell/place.ts";
import { beginDraft } from "./draft.ts";
import { FindingList } from "./finding-list.tsx";
import { SourceView } from "./source-view.tsx";
import { t } from "./text.ts";

/** What is written to disk is seen here as soon as that. */
const EVERY_MS = 5_000;

interface BrokenProps {
  readonly one: DefinitionList["broken"][number];
  readonly known: DefinitionList["items"];
}

/** A file that is not in use because it has errors. Its text is read when it is opened. */
export function Broken({ one: { file, diagnostics, source }, known }: BrokenProps) {
  const [query] = useQuery();
  // A file of no definition that is in use has no page, and one whose page has another edit cannot go there.
  const open = query.get("file") === file;
  const edit = async (line?: string) => {
    const text = await readSource(file);
    const name = known.find((each) => each.name === nameIn(text))?.name;
    const at = line === undefined ? "" : `&line=${line}`;
    if (name !== undefined && text !== null && beginDraft(name, text)) go(`/definitions/${name}?view=source${at}`);
    else go(`/definitions?file=${encodeURIComponent(file)}${at}`);
  };
  const editAt = (line?: string) => {
    if (open) go(withQuery({ line: line ?? null }), { replace: true });
    else edit(line).catch(noticeFailure);
  };
  // Null: it is too long to be handed over.
  const isThere = source !== null;
  return (
    <>
      <section class="trouble" aria-label={file}>
        <p class="title">
          <span aria-hidden="true">⚠ </span>
          {t("broken", { file })}
        </p>
        <FindingList
          findings={diagnostics}
          {...(isThere ? { onGo: ({ line, column }) => editAt(`${line}:${column}`) } : {})}
        />
        {!isThere ? null : open ? (
          <a class="button" href="/definitions">
            {t("closeBroken")}
          </a>
        ) : (
          <button type="button" class="button" onClick={() => editAt()}>
            {t("openBroken")}
          </button>
        )}
      </section>
      {open && isThere ? <BrokenSource file={file} /> : null}
    </>
  );
}

function BrokenSource({ file }: { readonly file: string }) {
  const called = useCall<DefinitionList>(pathOf(file), { everyMs: EVERY_MS });
  return (
    <Loaded called={called}>
      {({ broken }) => {
        const source = broken[0]?.source;
        if (source === undefined || source === null) return null;
        return <SourceView name={file} file={file.slice(file.lastIndexOf("/") + 1)} source={source} />;
      }}
    </Loaded>
  );
}

async function readSource(file: string): Promise<string | null> {
  const { broken } = await call<DefinitionList>(pathOf(file));
  return broken[0]?.source ?? null;
}

function pathOf(file: string): string {
  return `/v1/definitions?file=${encodeURIComponent(file)}`;
}

/** Whose it is, as far as it can be read. */
function nameIn(source: string | null): string | undefined {
  return /^saga:\s*["']?([\w-]+)/m.exec(source ?? "")?.[1];
}
