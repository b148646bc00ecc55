#!/usr/bin/env bash
# Prepare what the tests need: prepare_environments.sh [ENVIRONMENT...]
# Create the environments that are named, which waits for the network. Then import torch, since the first import
# compiles thousands of modules, which the processes of the tests would all do at once.
set -euo pipefail

declare -A packages=([ipex]=intel_extension_for_pytorch [xla]=torch_xla)

(($# == 0)) || traingate environment create --missing "$@"
python -c 'import torch._dynamo'
for name in "$@"; do
    "$TRAINGATE_ENVIRONMENTS/$name/bin/python" -c "import torch._dynamo, ${packages[$name]}"
done
