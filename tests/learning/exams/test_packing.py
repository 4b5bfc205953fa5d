"""Exams as rows: what goes in comes out."""

import numpy as np
import torch

from senoscope.learning.exams.packing import Packing

MEMBERS = (np.array([2]), np.array([0, 3, 1]), np.array([4, 5]))


def _numbers() -> tuple[np.ndarray[tuple[int, int], np.dtype[np.float32]], ...]:
    random = np.random.default_rng(0)
    return random.normal(size=(6, 5)).astype(np.float32), random.normal(size=(6, 2)).astype(np.float32)


def test_what_is_packed_comes_out_in_its_place() -> None:
    features, codes = _numbers()
    packing = Packing(views=3, features=5, columns=2)

    rows = packing.pack(features, codes, MEMBERS)

    assert rows.shape == (3, packing.width)
    views, records, mask = packing.unpack(torch.from_numpy(rows))
    assert mask.tolist() == [[1, 0, 0], [1, 1, 1], [1, 1, 0]]
    for exam, positions in enumerate(MEMBERS):
        np.testing.assert_array_equal(views[exam, : len(positions)].numpy(), features[positions])
        np.testing.assert_array_equal(records[exam, : len(positions)].numpy(), codes[positions])
        assert not views[exam, len(positions) :].any()


def test_a_batch_in_training_is_laid_out_alike_and_passes_gradients_on() -> None:
    features, codes = _numbers()
    packing = Packing(views=3, features=5, columns=2)
    order = np.concatenate(MEMBERS)
    flat = torch.from_numpy(features[order]).requires_grad_()

    rows = packing.joined(flat, torch.from_numpy(codes[order]), torch.tensor([1, 3, 2]))

    np.testing.assert_array_equal(rows.detach().numpy(), packing.pack(features, codes, MEMBERS))
    (gradient,) = torch.autograd.grad(rows.sum(), flat)
    assert torch.equal(gradient, torch.ones(6, 5))


def test_half_precision_features_are_laid_beside_whole_records() -> None:
    features, codes = _numbers()
    order = np.concatenate(MEMBERS)
    packing, counts = Packing(views=3, features=5, columns=2), torch.tensor([1, 3, 2])

    with torch.autocast("cpu", torch.bfloat16):
        rows = packing.joined(torch.from_numpy(features[order]).bfloat16(), torch.from_numpy(codes[order]), counts)

    assert rows.dtype == torch.float32
    np.testing.assert_allclose(rows.numpy(), packing.pack(features, codes, MEMBERS), rtol=0.01)


def test_exams_without_pictures_or_without_records_are_rows_too() -> None:
    features, codes = _numbers()

    bare = Packing(3, 0, 2).pack(features[:, :0], codes, MEMBERS)
    plain = Packing(3, 5, 0).pack(features, codes[:, :0], MEMBERS)

    assert (bare.shape, plain.shape) == ((3, 9), (3, 18))
    assert Packing(3, 0, 2).unpack(torch.from_numpy(bare))[0].shape == (3, 3, 0)
