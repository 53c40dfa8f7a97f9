# What can be done here. `make` alone prints it; each target says in a line what it is for.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# How long each fuzz target runs.
FUZZTIME ?= 10s

GOLANGCI_LINT := bin/tools/golangci-lint-v2.15.0
GOFUMPT := bin/tools/gofumpt-v0.12.0

export PATH := $(PATH):/usr/sbin:/sbin

BUILD := CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)"
# The agent speaks HTTP/1.1 alone: HTTP/2 would make it 0.6 MB larger, and its link is one WebSocket.
AGENT_TAGS := nethttpomithttp2
GO_FILES = $(shell git ls-files -co --exclude-standard '*.go')

# The pages are built where Node is; without it the programs carry a page that says how to build them.
NPM := $(shell command -v npm 2>/dev/null)
WEB_MODULES := web/node_modules/.package-lock.json
WEB_SOURCES := $(shell find web -type d \( -name node_modules -o -name dist -o -name lib -o -path web/test \) -prune -o -type f ! -name "*.go" -print 2>/dev/null)
PAGES := web/dist/index.html
BROWSER_MODULES := test/browser/node_modules/.package-lock.json

.PHONY: help
help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: go $(if $(NPM),$(PAGES)) ## Build the pages (where Node is) and bin/sightline, bin/sightline-agent, bin/sightline-bench
	@$(if $(NPM),,echo "Node is not installed: the pages are left out. Node 20 or newer brings them.")
	$(BUILD) -o bin/ ./cmd/sightline ./test/cmd/sightline-bench
	$(BUILD) -tags $(AGENT_TAGS) -o bin/ ./cmd/sightline-agent

# What the agent is built for; armv6 and armv7 are Linux's names of GOARM, and mipsle is without floating point.
AGENTS ?= linux-amd64 linux-arm64 linux-armv7 linux-armv6 linux-mipsle linux-riscv64 darwin-amd64 darwin-arm64 windows-amd64

.PHONY: agents
agents: go ## Build the agent for every usual system into bin/agents, static, 16 MiB each at most (AGENTS chooses)
	@test/scripts/agents.sh $(VERSION) $(AGENT_TAGS) $(AGENTS)

.PHONY: demo
demo: build ## Start a server and an agent with a test picture and print the URL that shows it
	@test/scripts/demo.sh

.PHONY: test
test: prepare build $(BROWSER_MODULES) $(GOLANGCI_LINT) $(GOFUMPT) ## Install what tests need (apt, npm) and run everything
	@go run ./test/cmd/checks

.PHONY: unit
unit: go $(BROWSER_MODULES) ## Run the Go tests without the end-to-end tests
	go test -race $$(go list ./... | grep -v /test/e2e)

.PHONY: e2e
e2e: build agents $(BROWSER_MODULES) ## Run the end-to-end tests: real programs in network namespaces, as root
	go test -count=1 -timeout 60m ./test/e2e

.PHONY: lint
lint: go $(GOLANGCI_LINT) $(GOFUMPT) $(if $(NPM),$(WEB_MODULES)) ## Check style and types of Go, shell and TypeScript
	$(GOLANGCI_LINT) run
	@unformatted=$$($(GOFUMPT) -l $(GO_FILES)) && if [ -n "$$unformatted" ]; then \
		echo "gofumpt would change: $$unformatted; run \`make format\`"; exit 1; fi
	@if command -v shellcheck >/dev/null; then shellcheck test/scripts/*.sh test/postgres/*.sh .ci/run; fi
	$(if $(NPM),cd web && npm run --silent lint && npm run --silent typecheck)

.PHONY: format
format: $(GOFUMPT) $(if $(NPM),$(WEB_MODULES)) ## Format Go and TypeScript
	$(GOFUMPT) -w $(GO_FILES)
	$(if $(NPM),cd web && npx biome check --write)

.PHONY: bench
bench: prepare build $(BROWSER_MODULES) ## Measure what docs/benchmarks.md reports, and write the tables to bin/benchmarks.md; it takes a quarter of an hour
	bin/sightline-bench all --report bin/benchmarks.md

.PHONY: natlab
natlab: prepare build $(BROWSER_MODULES) ## Show the picture through 20 pairs of NATs and print which way it took
	bin/sightline-bench nat --logs bin/natlab

# A run that was broken off goes on; bin/natlab has what was measured.
.PHONY: natlab-all
natlab-all: prepare build $(BROWSER_MODULES) ## Show it through all 132, and write the tables of docs/nat.md; it takes half an hour
	@mkdir -p bin/natlab
	bin/sightline-bench nat --all $(NATLAB)
	bin/sightline-bench nat --all --mapping $(NATLAB)
	bin/sightline-bench nat --all --mapping --v6 $(NATLAB)
	bin/sightline-bench nat --late 4s --device none,full,port --viewer full,port $(NATLAB)

NATLAB := --resume bin/natlab/results.jsonl --report docs/nat.md --logs bin/natlab

.PHONY: fuzz
fuzz: go ## Fuzz every decoder, each for FUZZTIME (10s)
	@test/scripts/fuzz.sh $(FUZZTIME)

.PHONY: soak
soak: prepare build $(BROWSER_MODULES) ## Run the long tests at their real length; it takes about an hour
	@test/scripts/soak.sh

.PHONY: web
web: $(PAGES) ## Build the pages into web/dist

.PHONY: clean
clean: ## Remove what was built
	rm -rf bin web/node_modules web/lib test/browser/node_modules
	git clean -fdXq web/dist

# Not in the list: parts of the above.

.PHONY: prepare
prepare:
	@test/scripts/prepare.sh

.PHONY: go
go:
	@command -v go >/dev/null || { echo "Go 1.26 or newer is needed: https://go.dev/dl/"; exit 1; }

$(PAGES): $(WEB_MODULES) $(WEB_SOURCES)
	cd web && npm run --silent build
	@touch $@

%/node_modules/.package-lock.json: %/package.json %/package-lock.json
	@command -v npm >/dev/null || { echo "Node 20 or newer with npm is needed: https://nodejs.org/"; exit 1; }
	cd $* && npm ci --no-progress
	@touch $@

$(GOLANGCI_LINT):
	@echo "Installing golangci-lint; the first time it takes some minutes."
	GOBIN=$(CURDIR)/bin/tools go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
	mv bin/tools/golangci-lint $@

$(GOFUMPT):
	GOBIN=$(CURDIR)/bin/tools go install mvdan.cc/gofumpt@v0.12.0
	mv bin/tools/gofumpt $@
