"""Workloads of ``plain_parts``, which environments of another torch import too."""

from __future__ import annotations

from dataclasses import replace

from traingate import TrainingSetup

BATCH_SIZE = 8


def images_net() -> TrainingSetup:
    """Return the usual training of pairs."""
    import torch
    from plain_parts import Images, classifier

    model = classifier()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    return TrainingSetup(model, torch.nn.CrossEntropyLoss(), optimizer, Images(), BATCH_SIZE)


def tied_net() -> TrainingSetup:
    """Return a training of a model with shared parameters."""
    import torch
    from plain_parts import tied_classifier

    model = tied_classifier()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    return replace(images_net(), model=model, optimizer=optimizer)


def mapping_net() -> TrainingSetup:
    """Return a training with a ``train_step`` and a ``collate_fn``."""
    from plain_parts import as_batch, smoothed_loss

    return replace(images_net(), collate_fn=as_batch, train_step=smoothed_loss)


def closure_net() -> TrainingSetup:
    """Return a training whose optimizer evaluates a closure."""
    import torch

    setup = images_net()
    parameters = [each for each in setup.model.parameters() if each.requires_grad]
    return replace(setup, optimizer=torch.optim.LBFGS(parameters, lr=0.01, max_iter=3))


def coding_nets() -> TrainingSetup:
    """Return a training of two models with two optimizers and a step of its own."""
    import torch
    from plain_parts import Images, two_models, two_updates

    models = two_models()
    optimizers = [torch.optim.Adam(each.parameters(), lr=1e-3) for each in models.values()]
    return TrainingSetup(models, None, optimizers, Images(), BATCH_SIZE, step=two_updates)
