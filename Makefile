# `make demo` and `make test` are all that a fresh machine needs.

SWIFT ?= swift
export SWIFT
SOURCES := Package.swift Plugins Sources Tests Examples Benchmarks Fuzz
# Passed on to what a target runs, as in: make demo ARGS="--port 9000"
ARGS ?=

.PHONY: help demo templates test build release format check-format tsan chaos fuzz differential bench docs bootstrap

help:
	@echo 'make demo          serve the Freeze Lab on http://127.0.0.1:8888'
	@echo 'make templates     serve a small shop made of templates on http://127.0.0.1:8889'
	@echo 'make test          run all tests, those of the page in Chromium too where it is installed'
	@echo 'make build         build for debugging'
	@echo 'make release       build for use'
	@echo 'make format        format the sources; make check-format says what would change'
	@echo 'make tsan          run the tests of the loop under the thread sanitizer'
	@echo 'make chaos         run all tests while loops are taken over at random moments'
	@echo 'make fuzz          fuzz the parsers'
	@echo 'make differential  compare the parser with llhttp'
	@echo 'make bench         measure, beside other servers'
	@echo 'make docs          write the reference into .build/docs'
	@echo 'Options for what is run go into ARGS: make demo ARGS="--port 9000"'

bootstrap:
	@scripts/bootstrap

demo: bootstrap
	$(SWIFT) build -c release --product freeze-lab
	@exec "$$($(SWIFT) build -c release --show-bin-path)/freeze-lab" $(ARGS)

templates: bootstrap
	$(SWIFT) build -c release --product templates-example
	@exec "$$($(SWIFT) build -c release --show-bin-path)/templates-example" $(ARGS)

test: bootstrap
	scripts/swift-test $(ARGS)
	@if command -v python3 >/dev/null; then scripts/browser-test && scripts/browser-test-templates; \
	else echo 'browser test: Python 3 is not installed; skipped'; fi

build: bootstrap
	$(SWIFT) build --build-tests $(ARGS)

release: bootstrap
	$(SWIFT) build -c release $(ARGS)

format:
	$(SWIFT) format --in-place --parallel --recursive $(SOURCES)

check-format:
	$(SWIFT) format lint --strict --parallel --recursive $(SOURCES)

tsan: bootstrap
	scripts/swift-test --sanitize=thread --scratch-path .build/tsan --filter SquallIOTests $(ARGS)

chaos: bootstrap
	SQUALL_CHAOS=takeover scripts/swift-test $(ARGS)

fuzz: bootstrap
	scripts/fuzz $(ARGS)

differential: bootstrap
	scripts/differential $(ARGS)

bench: bootstrap
	Benchmarks/bench $(ARGS)

docs: bootstrap
	scripts/docs $(ARGS)
