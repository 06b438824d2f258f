FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY nest-cli.json tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run build

# What runs, and nothing else. Scripts are off in .npmrc, so ONNX Runtime's does not fetch the CUDA libraries; of the
# binaries for all systems the ones for this machine stay.
FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev
COPY --from=build /app/dist dist
RUN node dist/cli/main.js prune

FROM node:24-slim
LABEL org.opencontainers.image.title="nestor" \
      org.opencontainers.image.description="An inference server for ONNX models" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="docker.io/library/node:24-slim"

# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libjemalloc2 \
 && rm -rf /var/lib/apt/lists/* \
 && cp -r /usr/lib/locale/C.utf8 /usr/lib/locale/en_US.utf8 \
 && mkdir /var/cache/nestor \
 && chown 1000:1000 /var/cache/nestor

# The locale: ONNX Runtime wants en_US.UTF-8 for text vectorisers; C.UTF-8 changes the case of letters alike.
# LD_PRELOAD: jemalloc gives back what ONNX Runtime frees; a bare name is found on every architecture.
# PREPARED_DIR: a volume there keeps prepared models from one container to the next; without one they go with it.
# LOG_DIR: empty, so that logs go to standard output alone and the root file system may be read-only.
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=8000 \
    LOG_DIR="" \
    PREPARED_DIR=/var/cache/nestor \
    ORT_DISABLE_TELEMETRY=1 \
    LD_PRELOAD=libjemalloc.so.2

WORKDIR /app
COPY LICENSE NOTICE package.json ./
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY models models
COPY site site

# The image's user `node`, as a number: Kubernetes' runAsNonRoot cannot judge a name.
USER 1000:1000
# The API, and where MANAGEMENT_PORT says so the supervisor's probes and metrics.
EXPOSE 8000 8081
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 8000}${(process.env.API_PREFIX || '/api').replace(/\\/$/, '')}/health/live`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# The exec form: signals reach the primary process.
CMD ["node", "dist/main.js"]
