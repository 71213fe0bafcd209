# What a person types. CI runs .ci/run.
.PHONY: test race fuzz check build

test:
	go test ./...

race:
	go test -race ./...

fuzz:
	scripts/fuzz 60s

check:
	.ci/run

build:
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(shell git describe --tags --always)" -o doorward ./cmd/doorward
