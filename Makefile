# What a person types. CI runs .ci/run.
.PHONY: test race fuzz check build bench bench-full simulate soak

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

# Figures, on a quiet machine; docs/performance.md says what the last ones mean.
bench:
	go run ./bench --out docs/figures.md

bench-full:
	go run ./bench --full --out docs/figures.md

# What 100 million users need; docs/capacity.md says what follows.
simulate:
	go run ./bench/simulate > docs/simulation.md

# Faults, for an hour, and fields added to a million users.
soak:
	go test ./internal/store -v -timeout 1h -run TestSoakFields -soak-users 1000000
	go test ./e2e/crash -timeout 1h -v -run TestKill -kills 200 -life 2s
	go test ./e2e/crash -timeout 1h -v -run TestPowerLoss -cuts 100
	go test ./e2e/crash -timeout 1h -v -run TestRollingRestart -restarts 20 -rate 200
