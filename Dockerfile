# syntax=docker/dockerfile:1
# One image for all roles (LIANMAI_ROLE). Debian 12 in both stages: a mediasoup-worker that is built here is linked with its libraries.

FROM node:24-bookworm AS build
WORKDIR /app
# The worker is kept here, as in a user's cache.
ENV XDG_CACHE_HOME=/cache
# Packages and worker first, by the project's own set-up: they stay as they are while only the code changes. The worker is downloaded; where
# that is not possible it is built, which takes about six minutes on two cores.
COPY package.json package-lock.json tsconfig.json ./
COPY scripts/setup.mjs scripts/
COPY scripts/setup scripts/setup
COPY scripts/mediasoup-worker scripts/mediasoup-worker
RUN npm run setup
COPY src src
COPY compositor compositor
COPY client client
COPY scripts/token.ts scripts/
# The same again builds what is missing now: the pages.
RUN npm run setup
RUN node --input-type=module -e "import { copyFileSync } from 'node:fs'; import { findWorker } from '/app/scripts/setup/mediasoupWorker.mjs'; copyFileSync(findWorker(), '/app/mediasoup-worker')" \
 && chmod 0755 mediasoup-worker \
 && npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
 # The base image has Node 24 already.
 && rm -rf node_modules/node node_modules/node-bin-* node_modules/.bin/node

FROM node:24-bookworm-slim
# ffmpeg pushes to destinations and finishes recordings; tini is process 1, which takes in orphans; the libraries are those of a worker that
# was built above.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates ffmpeg tini libabsl20220623 libsrtp2-1 libssl3 libuv1 \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -o 10001 -g 10001 -m 0700 /data
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/mediasoup-worker ./
COPY --from=build /app/dist dist
COPY --from=build /app/src src
COPY --from=build /app/compositor compositor
COPY --from=build /app/scripts/token.ts scripts/
# Started by hand the worker ends with 41: it runs here, and all its libraries are there.
RUN ./mediasoup-worker; test $? -eq 41
# The user has no entry in /etc/passwd, and Node wants to know a home.
ENV NODE_ENV=production \
    HOME=/tmp \
    MEDIASOUP_WORKER_BIN=/app/mediasoup-worker \
    LIANMAI_DATA_DIR=/data
# A number, so that Kubernetes can see that it is not root.
USER 10001:10001
VOLUME /data
# Public port, internal port.
EXPOSE 8080 8081
ENTRYPOINT ["tini", "--"]
CMD ["node", "src/index.ts"]
