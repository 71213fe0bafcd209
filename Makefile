# What a person types. CI runs .ci/run.
.PHONY: test race fuzz check build bench bench-full simulate profile soak reference

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
# Where the time goes: a flame graph (SVG) and a list of functions for each kind of load, in profile/.
profile:
	go run ./bench --profile profile --engine sqlite

# Faults, for an hour, and fields added to a million users.
soak:
	go test ./internal/store -v -timeout 1h -run TestSoakFields -soak-users 1000000
	go test ./cmd/doorward -v -timeout 1h -run TestSoakPhone -soak-users 1000000
	go test ./e2e/crash -timeout 1h -v -run TestKill -kills 200 -life 2s
	go test ./e2e/crash -timeout 1h -v -run TestPowerLoss -cuts 100
	go test ./e2e/crash -timeout 1h -v -run TestRollingRestart -restarts 20 -rate 200
	go test ./e2e/crash -timeout 1h -v -run 'TestKillMigration|TestKillBackup|TestKillRestore' -migrations 50 -backups 50
	go run ./bench backup
	go test ./e2e/crash -timeout 1h -v -parallel 1 -soak -gone 30s -run 'TestDatabaseAway|TestNoRoom|TestFewFiles'
	go test ./e2e/crash -timeout 1h -v -parallel 1 -soak -run 'TestSlowClients|TestJunkFlood|TestCancelledRequests|TestTwoBottlenecks'
	go test ./e2e/crash -timeout 1h -v -run TestRevocations -revocations 500 -tight
	go test ./e2e/crash -timeout 1h -v -run TestHistory -steps 1000

# The real Django stack on loopback; first, as root: scripts/reference install
reference:
	scripts/reference
