#!/usr/bin/env bash
# Run the hooks and mypy side by side, and prepare meanwhile what the tests need: the environments that are named,
# and the compiled modules of torch in each: check_sources.sh [ENVIRONMENT...]
# Python 3.10 runs no hooks: their tools need a newer one, and find the same on each.
set -euo pipefail

declare -A packages=([ipex]=intel_extension_for_pytorch [xla]=torch_xla)

# Create the environments, which waits for the network. Then import torch, since the first import
# compiles thousands of modules, which the processes of the tests would all do at once.
prepare() {
    (($# == 0)) || traingate environment create --missing "$@"
    python -c 'import torch._dynamo'
    for name in "$@"; do
        "$TRAINGATE_ENVIRONMENTS/$name/bin/python" -c "import torch._dynamo, ${packages[$name]}"
    done
}

logs="$(mktemp -d)"
prepare "$@" >"$logs/preparation" 2>&1 &
preparation=$!
mypy >"$logs/types" 2>&1 &
types=$!
trap 'kill "$preparation" "$types" 2>/dev/null || true; rm -rf "$logs"' EXIT

status=0
if python -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    pre-commit run --all-files --show-diff-on-failure || status=$?
fi
wait "$types" || status=$?
wait "$preparation" || status=$?
cat "$logs/types" "$logs/preparation"
exit "$status"
