"""Define the layers that compile the model or the whole step."""

from __future__ import annotations

import os
import re
import sysconfig
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Any, Final

from traingate.errors import ConfigurationError
from traingate.layers.base import BaseLayer
from traingate.layers.ipex import missing_ipex
from traingate.layers.recipe import Recipe, Surroundings
from traingate.layers.training import StepBody, Training
from traingate.protocol.json_values import JSON

_BACKENDS = ("inductor", "ipex")
_REGIONS = ("two", "one")

_RECOMPILE_LIMIT: Final = re.compile(r"\b(accumulated_)?recompile_limit\b")
"""Name of a limit in the configuration of Dynamo."""


def _missing_compiler() -> str | None:
    """Return what inductor lacks on this machine to compile its C++ code, else None.

    Inductor generates Python extensions in C++ and compiles them by ``$CXX``, else by ``g++``.
    """
    if not which(os.environ.get("CXX", "g++")):
        return "inductor needs a C++ compiler: apt-get install g++"
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        return "inductor needs the headers of this Python: apt-get install python3-dev"
    return None


def _require_graph(layer: str, counters: Mapping[str, int]) -> None:
    """Raise a ConfigurationError if Dynamo has compiled no graph so far."""
    if not counters.get("dynamo_graphs"):
        raise ConfigurationError(
            f"{layer} compiled nothing, so eager code would be measured in its name: the forward "
            "of the model was not called as model(...), as when a train_step calls another of its "
            "methods, or Dynamo could trace none of it (see TORCH_LOGS=graph_breaks)"
        )


def _forbid_eager_fallback(layer: str, training: Training) -> None:
    """Make a step fail where Dynamo would give up compiling and run eagerly from then on.

    That happens beyond its limits of recompilations, and on errors of a backend if they are
    suppressed.
    """
    import torch._dynamo  # noqa: PLC0415 - loads the module to configure
    from torch._dynamo.exc import FailOnRecompileLimitHit  # noqa: PLC0415

    torch._dynamo.config.suppress_errors = False
    torch._dynamo.config.fail_on_recompile_limit_hit = True

    def refuse_limit(body: StepBody) -> StepBody:
        def step(batch: Any) -> Any:
            try:
                return body(batch)
            except FailOnRecompileLimitHit as error:
                # Newer versions of torch name the limit in the cause of the error.
                name = _RECOMPILE_LIMIT.search(f"{error} {error.__cause__}")
                limit = name[0] if name else "recompile_limit"
                raise ConfigurationError(
                    f"{layer}: Dynamo reached its {limit}, beyond which the code would run eagerly "
                    "in the name of the layer. Each recompilation has a reason, see "
                    "TORCH_LOGS=recompiles: often a number that changes from step to step, such as "
                    "a learning rate (give it as a tensor), or the shape of batches. If all "
                    f"variants are needed, let the workload raise torch._dynamo.config.{limit}"
                ) from error

        return step

    training.step_wrappers.append(refuse_limit)


@dataclass(frozen=True)
class TorchCompile(BaseLayer):
    """Layer that compiles the model by ``torch.compile``.

    The first step includes the compilation, and its time is recorded separately.

    Attributes:
        backend: Backend of ``torch.compile``: ``inductor``, or ``ipex``, which is inductor with the
            passes of IPEX.
        mode: Parameter of ``torch.compile`` of that name, such as ``max-autotune-no-cudagraphs``;
            None for torch's default.
        dynamic: Parameter of ``torch.compile`` of that name: True for one graph for batches of all
            sizes, False for one graph for each size, None to let torch decide.
        inductor_options: Options of inductor by name, such as ``{"cpp_wrapper": True}``, the
            parameter ``options`` of ``torch.compile``. It excludes ``mode``.
    """

    backend: str = "inductor"
    mode: str | None = None
    dynamic: bool | None = None
    inductor_options: Mapping[str, JSON] | Iterable[tuple[str, JSON]] = ()
    name = "torch_compile"
    order = 600
    loss_tolerance = 1e-3

    def __post_init__(self) -> None:
        if self.backend not in _BACKENDS:
            raise ConfigurationError(
                f"torch_compile takes one of {', '.join(_BACKENDS)}, not {self.backend!r}"
            )
        try:
            pairs = tuple(dict(self.inductor_options).items())
        except (TypeError, ValueError) as error:
            raise ConfigurationError(
                f"torch_compile takes inductor_options as a dict, not {self.inductor_options!r}"
            ) from error
        if self.dynamic not in {None, True, False}:
            raise ConfigurationError(f"torch_compile takes dynamic as a bool, not {self.dynamic!r}")
        object.__setattr__(self, "inductor_options", pairs)
        if self.mode and pairs:
            raise ConfigurationError(
                "torch.compile takes either a mode or options, not both: see "
                "torch._inductor.list_mode_options() for the options that a mode stands for"
            )
        if self.backend == "ipex" and (self.mode or pairs):
            raise ConfigurationError("the backend ipex ignores mode and options of torch.compile")

    @property
    def options(self) -> Mapping[str, JSON]:
        """Return the backend, and what else is not torch's default."""
        others = {"mode": self.mode, "dynamic": self.dynamic}
        chosen: dict[str, JSON] = {
            name: value for name, value in others.items() if value is not None
        }
        if self.inductor_options:
            chosen["inductor_options"] = dict(self.inductor_options)
        return {"backend": self.backend, **chosen}

    @property
    def extra(self) -> str | None:  # type: ignore[override] # it depends on the backend
        """Return the extra of pytest-traingate that installs the backend, None for inductor."""
        return "ipex" if self.backend == "ipex" else None

    @property
    def environment(self) -> str | None:  # type: ignore[override] # it depends on the backend
        """Return the environment that has the backend where the running one lacks it."""
        return self.extra

    def unavailable(self) -> str | None:
        """Return what inductor, or IPEX as the backend, lacks on this machine, else None."""
        return _missing_compiler() or (missing_ipex() if self.backend == "ipex" else None)

    def apply(self, training: Training) -> None:
        """Compile the model.

        Raises:
            ConfigurationError: If torch knows no such mode or option.
        """
        import torch  # noqa: PLC0415 - only in the worker

        if self.backend == "ipex":
            import intel_extension_for_pytorch  # noqa: F401, PLC0415 - registers the backend
        arguments: dict[str, Any] = {
            "backend": self.backend,
            "mode": self.mode,
            "dynamic": self.dynamic,
            "options": dict(self.inductor_options) or None,
        }
        try:
            training.replace_models(lambda model: torch.compile(model, **arguments))
        except (AttributeError, RuntimeError) as error:
            raise ConfigurationError(f"torch_compile: {error}") from error
        _forbid_eager_fallback(self.name, training)

    def recipe(self, _surroundings: Surroundings) -> Recipe:
        """Return the line that compiles the model."""
        is_ipex = self.backend == "ipex"
        arguments = {
            "backend": self.backend if is_ipex else None,
            "mode": self.mode,
            "dynamic": self.dynamic,
            "options": dict(self.inductor_options) or None,
        }
        options = "".join(
            f", {name}={value!r}" for name, value in arguments.items() if value is not None
        )
        return Recipe(
            imports=("import intel_extension_for_pytorch as ipex",) * is_ipex,
            optimized=(f"model = torch.compile(model{options})",),
            packages=("intel-extension-for-pytorch",) * is_ipex,
        )

    def verify(self, counters: Mapping[str, int]) -> None:
        """Raise a ConfigurationError if no graph was compiled."""
        _require_graph(self.name, counters)


@dataclass(frozen=True)
class CompiledStep(BaseLayer):
    """Layer that compiles forward, loss, backward and update by inductor, not the model alone.

    Attributes:
        regions: Regions that are compiled separately. ``two``: forward and loss with their
            backward, and the optimizer's update. ``one``: a single function with compiled
            autograd, which is experimental. As of torch 2.8, Dynamo cannot trace ``backward()``:
            it breaks the graph there and examines frames again in each step.
    """

    regions: str = "two"
    name = "compiled_step"
    order = 650
    loss_tolerance = 1e-3

    @property
    def conflicts(self) -> dict[str, str]:
        """Return the layers that compile already or cannot be compiled, each with the reason."""
        return {
            "torch_compile": "the step contains the model",
            "ipex_optimize": "the update that IPEX brings cannot be traced",
            "data_parallel": "its reduction runs in hooks outside of the compiled step",
            "xla_device": "XLA compiles the step itself",
        }

    def __post_init__(self) -> None:
        if self.regions not in _REGIONS:
            raise ConfigurationError(
                f"compiled_step takes one of {', '.join(_REGIONS)}, not {self.regions!r}"
            )

    def unavailable(self) -> str | None:
        """Return what inductor lacks on this machine, else None."""
        return _missing_compiler()

    def apply(self, training: Training) -> None:
        """Compile the step as a whole, or its two regions."""
        import torch  # noqa: PLC0415 - only in the worker

        if self.regions == "one":
            import torch._dynamo  # noqa: PLC0415 - loads the module to configure

            if training.step is not None:
                raise ConfigurationError(
                    "compiled_step cannot compile a workload's own step as one region: use its "
                    "regions 'two', which compile what the step gives to forward and update"
                )
            torch._dynamo.config.compiled_autograd = True
            training.step_wrappers.append(torch.compile)
            training.has_phases = False
        else:
            training.forward_wrappers.append(torch.compile)
            training.closure_obstacles.append(
                "compiled_step cannot compile an update that calls backward"
            )
            for optimizer in training.optimizers:
                update: Any = torch.compile(optimizer.step)
                optimizer.step = update  # type: ignore[method-assign]
        _forbid_eager_fallback(self.name, training)

    def recipe(self, _surroundings: Surroundings) -> Recipe:
        """Return the lines that compile the step as a whole, or its two regions."""
        if self.regions == "one":
            return Recipe(
                imports=("import torch._dynamo",),
                # torch.compile reads the setting at its call, not at that of the compiled function.
                after_torch=("torch._dynamo.config.compiled_autograd = True",),
                step_wrappers=("torch.compile",),
            )
        return Recipe(
            forward_wrappers=("torch.compile",),
            each_optimizer=("optimizer.step = torch.compile(optimizer.step)",),
        )

    def verify(self, counters: Mapping[str, int]) -> None:
        """Raise a ConfigurationError if no graph was compiled."""
        _require_graph(self.name, counters)
