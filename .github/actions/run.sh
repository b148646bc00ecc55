#!/usr/bin/env bash
# What the actions beside this file run, one step at a time. Only fetch, push and comment have the
# token. In gate, fetch comes before the project is installed. In record, push comes after the
# project's code has run. Everything comes from variables, nothing from an event.
set -euo pipefail
step="$1"
traingate="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)" # the checkout that the actions come from

case "$step" in
install)
    # -I: a module pip in the working directory is the project's.
    python -I -m pip install --quiet "$traingate"
    ;;
install-project)
    bash -euo pipefail -c "${TRAINGATE_INSTALL:-true}"
    ;;
install-comment)
    # A comment needs no torch: uv leaves it out.
    python -I -m pip install --quiet uv
    UV_OVERRIDE="$traingate/constraints/without-torch.txt" \
        python -I -m uv pip install --quiet --python "$(command -v python)" "$traingate[github]"
    ;;
comment)
    exec traingate ci comment traingate-results
    ;;
fetch | push)
    exec traingate ci "$step"
    ;;
gate | record)
    # All lines of the input, divided at spaces; nothing in it is expanded.
    read -r -d '' -a arguments <<<"${TRAINGATE_ARGUMENTS:-}" || true
    exec traingate ci "$step" "${arguments[@]}"
    ;;
*)
    echo "unknown step: $step" >&2
    exit 2
    ;;
esac
