# Two images, each one static program that runs without root:
#
#   docker build --target sightline -t sightline .        the server
#   docker build --target agent -t sightline-agent .      the camera's agent
#
# Where the base images come from is up to you: --build-arg GO_IMAGE=… NODE_IMAGE=… BASE_IMAGE=…
ARG GO_IMAGE=golang:1.26-bookworm
ARG NODE_IMAGE=node:20-bookworm-slim
ARG BASE_IMAGE=scratch

FROM ${NODE_IMAGE} AS pages
WORKDIR /src/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci --no-progress
COPY web ./
RUN npm run build

FROM ${GO_IMAGE} AS programs
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=pages /src/web/dist web/dist
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=${VERSION}" -o /out/ ./cmd/sightline ./cmd/sightline-agent \
 && mkdir /out/data

FROM ${BASE_IMAGE} AS agent
COPY --from=programs /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=programs /out/sightline-agent /sightline-agent
COPY --from=programs --chown=65532:65532 /out/data /data
# 65532 is nobody's number in common base images, and has no rights on the host.
USER 65532:65532
ENV SIGHTLINE_STATE=/data
VOLUME /data
# No health check: the agent serves nothing that could be asked. It reconnects for ever by itself, and the server's
# presence tells whether it is well.
ENTRYPOINT ["/sightline-agent"]
CMD ["run"]

FROM ${BASE_IMAGE} AS sightline
COPY --from=programs /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=programs /out/sightline /sightline
COPY --from=programs --chown=65532:65532 /out/data /data
USER 65532:65532
ENV SIGHTLINE_DATA=/data
VOLUME /data
EXPOSE 8080/tcp 3478/tcp 3478/udp
# Asks the server as it listens by default. With another --listen or with TLS, give docker run a --health-cmd.
HEALTHCHECK --interval=30s --timeout=10s --start-period=10s \
  CMD ["/sightline", "check", "--url", "http://127.0.0.1:8080"]
ENTRYPOINT ["/sightline"]
CMD ["serve"]
