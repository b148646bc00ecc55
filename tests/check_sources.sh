#!/usr/bin/env bash
# Run the hooks and mypy, and create the environments that are named meanwhile, which waits for the
# network: check_sources.sh [ENVIRONMENT...]
set -euo pipefail

log="$(mktemp)"
(($# == 0)) || traingate environment create --missing "$@" >"$log" 2>&1 &
creation=$!
trap 'kill "$creation" 2>/dev/null || true; rm -f "$log"' EXIT

status=0
pre-commit run --all-files --show-diff-on-failure || status=$?
mypy || status=$?
wait "$creation" || status=$?
cat "$log"
exit "$status"
