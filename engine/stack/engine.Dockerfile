# The engine with the domains of this folder. PostgreSQL is not in it: DATABASE_URL has to be set.
FROM oven/bun:1.4.4-slim AS packages
WORKDIR /ekiden
COPY package.json bun.lock bunfig.toml ./
COPY patches ./patches
COPY engine/console/package.json ./engine/console/
RUN ["bun", "install", "--frozen-lockfile", "--production", "--omit=optional"]

FROM oven/bun:1.4.4-slim
WORKDIR /ekiden
COPY --from=packages /ekiden/node_modules ./node_modules
COPY package.json bunfig.toml tsconfig.json ./
COPY engine ./engine
COPY sql ./sql
COPY domains ./domains
USER bun
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=12 \
  CMD ["bun", "-e", "process.exit((await fetch(`http://127.0.0.1:${process.env.PORT ?? 8080}/health/ready`)).ok ? 0 : 1)"]
CMD ["bun", "engine/main.ts"]
