import { serverSentEvents } from "../../engine/cli/server-sent-events.ts";

/** An event of a stream, as a test looks at it. */
export interface SeenEvent {
  readonly kind: "recorded" | "applied";
  readonly messageId: string;
  readonly sagaId: string;
  readonly definition: string | null;
  readonly type: string;
  readonly step: string | null;
  readonly sequence: number | null;
  readonly status: string | null;
  readonly error: { readonly code: string; readonly message: string | null } | null;
}

/** A client that follows a stream until it is told to leave. */
export interface StreamClient {
  readonly status: number;
  readonly events: readonly SeenEvent[];
  /** Names of the notices so far. */
  readonly notices: readonly string[];
  /** Where to go on. */
  position(): string | undefined;
  /** Resolves when the server has ended the stream, or it was left. */
  readonly ended: Promise<void>;
  leave(): Promise<void>;
}

/** Opens a stream and reads all of it. */
export async function follow(url: string, path: string, after?: string): Promise<StreamClient> {
  const controller = new AbortController();
  const headers: Record<string, string> = after === undefined ? {} : { "last-event-id": after };
  const response = await fetch(`${url}${path}`, { headers, signal: controller.signal });
  const events: SeenEvent[] = [];
  const notices: string[] = [];
  let position = after;
  const read = async () => {
    if (response.body === null || response.status !== 200) return;
    for await (const { event, data, id } of serverSentEvents(response.body)) {
      position = id;
      if (data === undefined) continue;
      if (event === "message") events.push(JSON.parse(data));
      else notices.push(event);
    }
  };
  const ended = read().catch(() => undefined);
  return {
    status: response.status,
    events,
    notices,
    position: () => position,
    ended,
    leave: async () => {
      controller.abort();
      await ended;
    },
  };
}
