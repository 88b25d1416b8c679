# The service alone: it runs its TypeScript sources directly, so there is no build step. Kafka and Redis run elsewhere
# (compose.yaml).
FROM node:26-slim

WORKDIR /app
ENV NODE_ENV=production

COPY package.json package-lock.json ./
# Optional dependencies stay, native parts are among them; the Node binaries among them are not needed on this image.
RUN npm ci --omit=dev --no-audit --no-fund \
  && rm -rf node_modules/node-linux-* node_modules/.bin/node \
  && npm cache clean --force

COPY . .

USER node
EXPOSE 8080
# A bind beyond loopback, which a container needs, is refused unless API_TOKEN (or API_TOKEN_FILE) is set.
ENV REST_HOST=0.0.0.0
CMD ["node", "--max-semi-space-size=64", "main.ts"]
