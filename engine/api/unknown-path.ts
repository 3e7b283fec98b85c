import type { Api } from "./api-env.ts";
import { meantPath, patternOf, type Route } from "./meant-path.ts";
import { RequestError } from "./request-error.ts";

const LISTS = "/openapi.json lists every path, /docs shows them.";

/** What stands at no path, or under another method, and what was probably meant. */
export function unknownPath(app: Api, method: string, path: string): RequestError {
  const allowed = allowedMethods(app, path);
  const reads = method === "HEAD" ? "GET" : method;
  const meant = meantPath(routesOf(app), reads, path);
  const asked = meant === undefined ? "" : `Did you mean ${reads} ${meant}? `;
  if (allowed.length === 0 || allowed.includes(method)) {
    return new RequestError("request.unknown-path", `nothing stands at ${path}`, asked + LISTS);
  }
  const hint = `${asked}Here stands ${allowed.join(", ")}; ${LISTS}`;
  return new RequestError("request.method-not-allowed", `${method} is not allowed at ${path}`, hint);
}

/** Methods under which a route stands at the path. */
export function allowedMethods(app: Api, path: string): readonly string[] {
  const found = routesOf(app).filter((route) => patternOf(route.path).test(path));
  // What can be read is also answered without its body.
  return [...new Set(found.flatMap(({ method }) => (method === "GET" ? ["GET", "HEAD"] : [method])))];
}

function routesOf(app: Api): readonly Route[] {
  return app.routes.filter(({ method }) => method !== "ALL");
}
