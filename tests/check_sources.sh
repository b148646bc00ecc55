#!/usr/bin/env bash
# Run the hooks and mypy, and prepare meanwhile what the tests need: the environments that are named,
# and the compiled modules of torch in each: check_sources.sh [ENVIRONMENT...]
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

log="$(mktemp)"
prepare "$@" >"$log" 2>&1 &
preparation=$!
trap 'kill "$preparation" 2>/dev/null || true; rm -f "$log"' EXIT

status=0
pre-commit run --all-files --show-diff-on-failure || status=$?
mypy || status=$?
wait "$preparation" || status=$?
cat "$log"
exit "$status"
