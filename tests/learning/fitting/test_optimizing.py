"""Groups of parameters and learning rates, against torch's own schedules."""

from typing import Any

import pytest
import torch

from senoscope.core.domain.recipe_parts import FinetuneRecipe
from senoscope.learning.fitting.loop import Row
from senoscope.learning.fitting.optimizing import optimizer_of, rate_of, set_rate, warmed
from senoscope.learning.models.classifier import Classifier
from senoscope.learning.models.heads import LogisticHead
from senoscope.learning.models.smallcnn import DenseHead
from senoscope.learning.models.weights import Backbone, resolve
from tests.learning.conftest import TINY


def recipe(**values: Any) -> FinetuneRecipe:
    return FinetuneRecipe.model_validate({"epochs": 10, "rate": 0.01, **values})


def rows(losses: list[float], validated: bool = True) -> list[Row]:
    return [
        Row(place, 9.0 if validated else loss, loss if validated else None, 0.5) for place, loss in enumerate(losses, 1)
    ]


def classifier(backbone: Backbone) -> Classifier:
    return Classifier(backbone, LogisticHead(backbone.features))


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_optimizer_is_the_one_asked_for(name: str) -> None:
    found = optimizer_of(classifier(resolve(TINY, pretrained=False)), recipe(optimizer=name, decay=0.3))

    assert type(found).__name__.lower() == name
    assert [group["weight_decay"] for group in found.param_groups] == [0.3]
    assert found.param_groups[0].get("momentum", 0.9) == 0.9


@pytest.mark.parametrize("name", [TINY, "test_resnet", "mobilenetv2_100", "smallcnn"])
def test_deeper_layers_are_slower_and_none_is_forgotten(name: str) -> None:
    backbone = resolve(name, pretrained=False)
    head = DenseHead(8, 2) if name == "smallcnn" else LogisticHead(backbone.features)
    model = Classifier(backbone, head)

    found = optimizer_of(model, recipe(layer_decay=0.5))
    set_rate(found, 0.01)

    share = {id(parameter): group["lr"] / 0.01 for group in found.param_groups for parameter in group["params"]}
    assert set(share) == {id(parameter) for parameter in model.parameters()}
    body = [share[id(parameter)] for parameter in backbone.network.parameters()]
    assert all(share[id(parameter)] == 1 for parameter in head.parameters())
    assert max(body) == 0.5
    assert body[0] == min(body) == 0.5 ** (len(found.param_groups) - 1) < 0.2
    assert sorted(body) == body


def test_members_of_a_joined_network_are_lined_up_at_the_head() -> None:
    backbone = resolve(f"smallcnn+{TINY}", pretrained=False)
    alone = {name: resolve(name, pretrained=False) for name in ("smallcnn", TINY)}

    def shares(network: Backbone) -> dict[str, float]:
        found = optimizer_of(classifier(network), recipe(layer_decay=0.5))
        by_identity = {id(parameter): group["share"] for group in found.param_groups for parameter in group["params"]}
        return {name: by_identity[id(parameter)] for name, parameter in network.network.named_parameters()}

    joined = shares(backbone)

    expected = {
        f"members.{number}.{name}": share
        for number, each in enumerate(alone.values())
        for name, share in shares(each).items()
    }
    assert joined == expected
    assert len(set(joined.values())) > 4


def test_cosine_is_that_of_torch() -> None:
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=0.01)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)

    for epoch in range(10):
        assert rate_of(recipe(), 10, rows([1.0] * epoch)) == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()


@pytest.mark.parametrize("validated", [True, False])
@pytest.mark.parametrize("wait", [1, 2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_plateau_is_that_of_torch(seed: int, wait: int, validated: bool) -> None:
    losses = torch.rand(40, generator=torch.Generator().manual_seed(seed)).tolist()
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=0.01)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=wait, threshold=0, eps=0)
    asked = recipe(schedule="plateau", wait=wait)

    for epoch in range(40):
        found = rate_of(asked, 40, rows(losses[:epoch], validated))
        assert found == pytest.approx(optimizer.param_groups[0]["lr"])
        theirs.step(losses[epoch])

    assert found < 0.01


def test_constant_stays() -> None:
    assert {rate_of(recipe(schedule="constant"), 10, rows([1.0] * epoch)) for epoch in range(10)} == {0.01}


def test_warm_up_climbs_step_by_step_and_comes_before_the_cosine() -> None:
    asked = recipe(warmup=2)

    shares = [warmed(asked, epoch, step, 4) for epoch in (1, 2, 3) for step in range(4)]

    assert shares == pytest.approx([*(step / 8 for step in range(1, 9)), 1, 1, 1, 1])
    assert [rate_of(asked, 10, rows([1.0] * epoch)) for epoch in range(3)] == [0.01] * 3
    assert rate_of(asked, 10, rows([1.0] * 6)) == pytest.approx(0.005)
    assert warmed(recipe(), 1, 0, 4) == 1
