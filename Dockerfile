# syntax=docker/dockerfile:1
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /twokey ./bot && mkdir /data

# No shell, no package manager, no root.
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /twokey /twokey
COPY --from=build --chown=65532:65532 /data /data
USER 65532:65532
VOLUME /data
EXPOSE 8420
# It asks the demo, which is what the image runs by itself. With “serve” give the
# check the address of web.addr, as deploy/compose.yaml does.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["/twokey", "healthcheck", "--addr", "127.0.0.1:8420"]
ENTRYPOINT ["/twokey"]
CMD ["demo", "--addr", "0.0.0.0:8420", "--data", "/data"]
