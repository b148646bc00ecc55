#!/usr/bin/env bash
# Run the hooks and mypy side by side, and prepare_environments.sh meanwhile: check_sources.sh [ENVIRONMENT...]
set -euo pipefail

logs="$(mktemp -d)"
bash "$(dirname "$0")/prepare_environments.sh" "$@" >"$logs/preparation" 2>&1 &
preparation=$!
mypy >"$logs/types" 2>&1 &
types=$!
trap 'kill "$preparation" "$types" 2>/dev/null || true; rm -rf "$logs"' EXIT

status=0
pre-commit run --all-files --show-diff-on-failure || status=$?
wait "$types" || status=$?
wait "$preparation" || status=$?
cat "$logs/types" "$logs/preparation"
exit "$status"
