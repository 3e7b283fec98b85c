/** One block of a stream of Server-Sent Events. */
export interface ServerSentEvent {
  /** `message` when the stream gives it no name. */
  readonly event: string;
  /** Undefined: it only moves the position. */
  readonly data: string | undefined;
  /** The position: this block's, or that of the last block that had one. */
  readonly id: string | undefined;
  /** How long to wait before connecting again, in milliseconds, when the block says so. */
  readonly retryMs: number | undefined;
}

/** Reads a body as Server-Sent Events. A block that the end cuts off is none, as the standard asks. */
export async function* serverSentEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  let id: string | undefined;
  let fields: Partial<Record<string, string>> = {};
  for await (const line of linesOf(body)) {
    if (line !== "") {
      const [, name = "", value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
      fields[name] = name === "data" && fields["data"] !== undefined ? `${fields["data"]}\n${value}` : value;
      continue;
    }
    id = fields["id"] ?? id;
    const { event = "message", data, retry } = fields;
    fields = {};
    yield { event, data, id, retryMs: retry === undefined || !/^\d+$/.test(retry) ? undefined : Number(retry) };
  }
}

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    // A CR at the very end may be the first half of a CRLF.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
