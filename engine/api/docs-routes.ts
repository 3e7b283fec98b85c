import { openAPIRouteHandler } from "hono-openapi";
import icon from "swagger-ui-dist/favicon-32x32.png" with { type: "file" };
import script from "swagger-ui-dist/swagger-ui-bundle.js" with { type: "file" };
import style from "swagger-ui-dist/swagger-ui.css" with { type: "file" };

import { version } from "../../package.json";
import type { Api } from "./api-env.ts";
import { componentSchemas } from "./openapi-components.ts";

/** Nothing from elsewhere, no inline script; styles that the page sets by script are no inline styles. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Ekiden HTTP API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="api"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

const START = `SwaggerUIBundle({ url: "/openapi.json", dom_id: "#api", deepLinking: true, tryItOutEnabled: true });\n`;

/** Served from the package, so that the page works offline. No other name is looked up. */
const FILES: ReadonlyMap<string, string> = new Map([
  ["swagger-ui.css", style],
  ["swagger-ui-bundle.js", script],
  ["favicon-32x32.png", icon],
]);

/** The OpenAPI document and a page to read it. */
export function addDocsRoutes(app: Api): void {
  app.get("/openapi.json", openAPIRouteHandler(app, { documentation: documentation() }));

  app.use("/docs/*", async (c, next) => {
    await next();
    c.header("Content-Security-Policy", POLICY);
  });
  app.get("/docs", (c) => c.html(PAGE, 200, { "content-security-policy": POLICY }));
  app.get("/docs/start.js", (c) => c.body(START, 200, { "content-type": "text/javascript; charset=utf-8" }));
  app.get("/docs/:file", (c) => {
    const path = FILES.get(c.req.param("file"));
    if (path === undefined) return c.notFound();
    return new Response(Bun.file(path), {
      headers: { "cache-control": "public, max-age=86400" },
    });
  });
}

const BEARER =
  "A key of `ekiden keys create`, or a JSON Web Token. Asked for as soon as a key was made or tokens are configured";

function documentation() {
  return {
    info: {
      title: "Ekiden",
      version,
      description: "Sagas over PostgreSQL and Kafka: start, watch, signal, recover.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    tags: [
      { name: "sagas", description: "One run of a definition" },
      { name: "streams", description: "Events as they happen" },
      { name: "definitions", description: "The YAML and its revisions" },
      { name: "messages", description: "Every request and its consumptions" },
      { name: "consumer groups", description: "Lag, pause, resume, rewind" },
      { name: "audit", description: "What operators did, and why" },
      { name: "keys", description: "Who may call the API" },
      { name: "event store", description: "Partitions: what is in them, export, drop" },
      { name: "health", description: "For load balancers and supervisors" },
    ],
    components: {
      schemas: componentSchemas() as Record<string, object>,
      securitySchemes: { bearer: { type: "http" as const, scheme: "bearer", description: BEARER } },
    },
  };
}
