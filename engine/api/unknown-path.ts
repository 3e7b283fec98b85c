import type { Api } from "./api-env.ts";
import { RequestError } from "./request-error.ts";

/** What stands at no path, or under another method. */
export function unknownPath(app: Api, method: string, path: string): RequestError {
  const allowed = allowedMethods(app, path);
  if (allowed.length === 0 || allowed.includes(method)) {
    return new RequestError("request.unknown-path", `nothing stands at ${path}`, "/openapi.json lists every path.");
  }
  const hint = `Here stands ${allowed.join(", ")}.`;
  return new RequestError("request.method-not-allowed", `${method} is not allowed at ${path}`, hint);
}

/** Methods under which a route stands at the path. */
export function allowedMethods(app: Api, path: string): readonly string[] {
  const found = app.routes.filter((route) => route.method !== "ALL" && patternOf(route.path).test(path));
  return [...new Set(found.map((route) => route.method))];
}

function patternOf(path: string): RegExp {
  const segments = path.split("/").map((segment) => (segment.startsWith(":") ? "[^/]+" : RegExp.escape(segment)));
  return new RegExp(`^${segments.join("/")}$`);
}
