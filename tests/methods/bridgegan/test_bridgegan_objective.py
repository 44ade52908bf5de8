"""BridgeGAN's losses and recipe, each term against numbers worked out otherwise."""

from __future__ import annotations

import pytest
import torch

from bridgebench import methods
from bridgebench.methods.bridgegan import objective
from bridgebench.methods.bridgegan.editor import BridgeGAN
from bridgebench.methods.bridgegan.objective import OFFICIAL_CODE, SUPPLEMENT, attribute_keeping_vector, memory_step
from bridgebench.methods.bridgegan.recipe import BridgeGANRecipe
from bridgebench.methods.core.errors import UserError

ATTRIBUTES = ("Bangs", "Male", "Young")


def test_the_worked_example_of_the_attribute_keeping_vector():
    """Supplement, Fig. 1."""
    source, target = torch.tensor([[1.0, 0, 1, 0, 1, 0]]), torch.tensor([[0.0, 1, 1, 0, 1, 0]])
    difference = objective.attribute_difference(target, source)
    assert difference.tolist() == [[-1, 1, 0, 0, 0, 0]]
    assert attribute_keeping_vector(difference, source).tolist() == [[0, 0, -1, 1, -1, 1]]


def test_keeping_asks_for_nothing_where_all_changes_and_for_all_where_nothing_does():
    source = torch.tensor([[1.0, 0, 1], [0, 0, 1]])
    assert not attribute_keeping_vector((1 - source) - source, source).any()
    assert torch.equal(attribute_keeping_vector(torch.zeros(2, 3), source), 1 - 2 * source)


def test_critic_terms_average_over_the_kinds_of_fakes():
    real, fakes = torch.tensor([[1.0], [3.0]]), [torch.tensor([[x]]) for x in (0.0, 3.0, 9.0)]
    assert float(objective.mean_score(fakes)) == pytest.approx(4)
    assert float(objective.critic_distance(real, fakes)) == pytest.approx(4 - 2)


def test_classification_is_the_mean_sigmoid_cross_entropy():
    logits, targets = torch.tensor([[0.0, 2.0], [-1.0, 3.0]]), torch.tensor([[1.0, 0], [0, 1]])
    chance = torch.sigmoid(logits)
    expected = -(targets * chance.log() + (1 - targets) * (1 - chance).log()).mean()
    torch.testing.assert_close(objective.classification([logits], targets), expected)
    both = objective.classification([logits, -logits], targets)
    torch.testing.assert_close(both, (expected + objective.classification([-logits], targets)) / 2)


def test_mode_seeking_is_one_ratio_and_moves_only_the_edit():
    noise, other = torch.tensor([[0.0, 0.0], [1.0, 1.0]]), torch.tensor([[1.0, 3.0], [1.0, 1.0]])
    edited = torch.zeros(2, 3, 2, 2, requires_grad=True)
    other_edited = torch.full((2, 3, 2, 2), 0.5, requires_grad=True)
    ratio = objective.mode_seeking(noise, other, edited, other_edited)
    assert ratio.item() == pytest.approx(1 / (0.5 + 1e-5))
    ratio.backward()
    assert other_edited.grad is None
    # Less is better: descent moves the edit away from the other one.
    assert (edited.grad > 0).all()


@pytest.mark.parametrize(("sign", "rises"), [(1, True), (-1, False)])
def test_the_memory_climbs_or_descends_the_matching_loss(sign, rises):
    """A linear M on two rows; the loss is taken where the clip does not reach."""
    torch.manual_seed(0)
    mapping, code = torch.randn(6, 4, dtype=torch.float64), 5 * torch.randn(2, 6, dtype=torch.float64)

    def matching(rows: torch.Tensor) -> torch.Tensor:
        return (code - rows @ mapping.T).square().mean()

    rows = torch.zeros(2, 4, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(matching(rows), rows)
    small = gradient / 1e3  # a loss 1000 times smaller: the step's second part becomes nothing
    moved = memory_step(rows.detach(), small, sign)
    assert bool(matching(moved) > matching(rows)) is rises
    assert moved.abs().max() <= 1
    inside = moved.abs() < 1
    expected = sign * (0.9 / small.square().mean(1, keepdim=True).sqrt() + 5) * small
    torch.testing.assert_close(moved[inside], expected[inside])
    assert torch.equal(moved[~inside], expected[~inside].sign())


def test_the_size_of_a_memory_step_does_not_depend_on_the_gradients():
    gradient = torch.tensor([[0.3, -0.4, 0.1, 0.2], [0.3, -0.4, 0.1, 0.2]]) * torch.tensor([[1e-7], [1e-4]])
    moved = memory_step(torch.zeros(2, 4), gradient).clamp(-0.99, 0.99)
    torch.testing.assert_close(moved[0], moved[1], rtol=1e-3, atol=1e-3)


def test_a_row_without_gradient_stays():
    """Where the released code gives NaN."""
    rows = torch.tensor([[0.5, -0.25], [2.0, -3.0]])
    assert memory_step(rows, torch.zeros(2, 2)).tolist() == [[0.5, -0.25], [1, -1]]


def test_both_sets_of_weights_are_the_published_ones():
    """SPEC section 3: the effective factor of every single term."""
    for weights, cycle, keeping in ((SUPPLEMENT, 50, 100), (OFFICIAL_CODE, 50 / 3, 50 / 3)):
        assert weights.cycle / 2 == pytest.approx(cycle)
        assert weights.keeping == pytest.approx(keeping)
        assert (weights.classification, weights.reconstruction, weights.closeness) == (10, 100, 50)
        assert (weights.mode_seeking, weights.d_penalty, weights.d_classification) == (0.005, 10, 1)


def test_the_recipe_defaults_to_the_papers_run():
    recipe = BridgeGANRecipe()
    assert (recipe.batch_size, recipe.n_critic, recipe.learning_rate) == (48, 5, 2e-4)
    assert recipe.weights() == SUPPLEMENT
    assert BridgeGANRecipe(loss_weights="official-code").weights() == OFFICIAL_CODE
    assert {recipe.rate_at(iteration) for iteration in (0, 25_000, 49_999)} == {2e-4}


def test_overrides_of_weights():
    weights = BridgeGANRecipe(
        loss_weights="official-code", classification=3, reconstruction=20, d_classification=7
    ).weights()
    assert (weights.classification, weights.reconstruction, weights.d_classification) == (3, 20, 7)
    assert weights.keeping == OFFICIAL_CODE.keeping


def test_reconstruction_may_weigh_more_late_in_the_run():
    recipe = BridgeGANRecipe(late_from=30, late_reconstruction=700)
    assert [recipe.reconstruction_at(iteration, 100) for iteration in (0, 29, 30, 99)] == [100, 100, 700, 700]
    assert BridgeGANRecipe().reconstruction_at(10**6, 100) == 100


def test_the_learning_rate_falls_linearly_in_the_cooldown():
    recipe = BridgeGANRecipe(learning_rate=1e-3, iterations=100, cooldown=20)
    rates = [recipe.rate_at(iteration) for iteration in (0, 79, 80, 90, 99, 100)]
    assert rates == pytest.approx([1e-3, 1e-3, 1e-3, 5e-4, 5e-5, 0])


def test_the_warm_up_may_have_its_own_learning_rate():
    recipe = BridgeGANRecipe(warmup=10, warmup_learning_rate=3e-3, learning_rate=1e-3)
    assert [recipe.rate_at(iteration) for iteration in (0, 9, 10, 1000)] == [3e-3, 3e-3, 1e-3, 1e-3]
    assert BridgeGANRecipe(warmup=10).rate_at(0) == 2e-4
    recipe = BridgeGANRecipe(classifier_warmup=5, warmup=10, warmup_learning_rate=3e-3, learning_rate=1e-3)
    assert [recipe.rate_at(iteration) for iteration in (0, 4, 5, 14, 15)] == [1e-3, 1e-3, 3e-3, 3e-3, 1e-3]


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"batchsize": 8}, r"\[train.bridgegan\] has the unknown key 'batchsize'. Did you mean 'batch_size'"),
        ({"loss_weights": "paper"}, r"\[train.bridgegan\]: loss_weights = 'paper'"),
        ({"memory_sign": 0}, "memory_sign = 0"),
        ({"precision": "16"}, "precision = '16'"),
        ({"width": 2.5}, "width = 2.5"),
    ],
)
def test_a_recipe_that_does_not_fit_is_told(table, sentence):
    with pytest.raises(UserError, match=sentence):
        methods.start_training("bridgegan", table, ATTRIBUTES, 32, 4, 0)


@pytest.mark.parametrize(
    ("sizes", "sentence"),
    [
        ({"image_size": 48}, "multiple of 32, not 48"),
        ({"image_size": 0}, "multiple of 32, not 0"),
        ({"image_size": 32, "mapping_blocks": 5}, "mapping_blocks = 5 are too many for 32 pixels"),
        ({"image_size": 32, "mapping_blocks": 4}, "mapping_blocks = 4 are too many for 32 pixels"),
    ],
)
def test_sizes_that_do_not_fit_are_told(sizes, sentence):
    with pytest.raises(UserError, match=sentence):
        BridgeGAN(**sizes)
