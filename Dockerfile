# Two images of one build, for machines that can pull:
#   docker build --target agent    -t dhcp-operator/agent:0.1.0 .
#   docker build --target operator -t dhcp-operator/operator:0.1.0 .
# For both architectures: docker buildx build --platform linux/amd64,linux/arm64 --target … .
# A label for the version: --label org.opencontainers.image.version=0.1.0
# Without a registry `make images` makes smaller ones.
FROM node:24-bookworm AS build
WORKDIR /src
COPY package.json package-lock.json Makefile ./
COPY scripts scripts
COPY agent/native agent/native
RUN make setup
COPY . .
RUN make build

FROM node:24-bookworm-slim AS operator
ENV NODE_ENV=production
COPY --from=build /src/build/operator /app
LABEL org.opencontainers.image.title="dhcp-operator/operator" \
      org.opencontainers.image.description="Makes DHCP agents of DhcpServers and DhcpRelays in Kubernetes" \
      org.opencontainers.image.licenses="Apache-2.0"
USER 65532:65532
ENTRYPOINT ["/app/dhcp-operator"]
CMD ["--help"]

FROM node:24-bookworm-slim AS agent
ENV NODE_ENV=production
COPY --from=build /src/build/agent /app
LABEL org.opencontainers.image.title="dhcp-operator/agent" \
      org.opencontainers.image.description="DHCP relay and server on raw sockets, for Kubernetes and plain Linux" \
      org.opencontainers.image.licenses="Apache-2.0"
# A raw socket takes uid 0; run it with --cap-drop all --cap-add NET_RAW, a server with --cap-add NET_BIND_SERVICE too.
USER 0:0
ENTRYPOINT ["/app/dhcp-agent"]
CMD ["run", "-f", "/etc/dhcp-operator"]
