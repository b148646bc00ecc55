#!/usr/bin/env bash
# What the actions beside this file run: install traingate from the checkout that the actions come
# from, and the project; then one step. Everything comes from variables, nothing from an event.
set -euo pipefail
step="$1"
traingate="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"

if [[ $step == comment ]]; then
    # A comment needs no torch: uv leaves it out.
    python -m pip install --quiet uv
    UV_OVERRIDE="$traingate/constraints/without-torch.txt" \
        python -m uv pip install --quiet --python "$(command -v python)" "$traingate[github]"
    exec traingate ci comment traingate-results
fi

python -m pip install --quiet "$traingate"
bash -euo pipefail -c "${TRAINGATE_INSTALL:-true}"
read -r -a arguments <<<"${TRAINGATE_ARGUMENTS:-}"
exec traingate ci "$step" "${arguments[@]}"
