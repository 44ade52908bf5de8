"""Deterministic weights and inputs for the numeric references (numpy + stdlib only).

Every value depends only on (salt, name, shape); nothing depends on the order of calls.

    tensor value = PCG64(seed = crc32("<salt>:<name>")).standard_normal(shape) as float32, then

        kind "weight"    (ndim >= 2)          : n * 1/sqrt(max(1, fan_in))
        kind "bias"      (1-d, everything else): 0.02 * n
        kind "scale"     (1-d norm gamma)      : 1 + 0.02 * n
        kind "run_mean"  (running mean)        : 0.02 * n
        kind "run_var"   (running variance)    : 1 + 0.02 * abs(n)
        kind "count"     (num_batches_tracked) : 0 (int64)

fan_in = product of all dimensions except the output-channel dimension `out_dim`:

    layout   tensor                                   out_dim
    OIHW     PyTorch Conv*d                              0
    OI       PyTorch Linear / Embedding                  0
    IOHW     PyTorch ConvTranspose*d                     1
    HWIO     TensorFlow conv2d kernel                   -1
    HWOI     TensorFlow conv2d_transpose kernel         -2
    IO       TensorFlow dense kernel                    -1

Usage:

    from weights import make_state, images, noise
    state = make_state("bridgebench-public", {"conv.weight": [8, 3, 3, 3], "conv.bias": [8]})
    x = images("bridgebench-public", 2, 128, 128)            # NCHW float32 in [-1, 1)

`overrides` (both in make_tensor and make_state) lets a caller state a layout or a kind
explicitly where the name alone does not say it.
"""

import zlib

import numpy as np

OUT_DIM = {"OIHW": 0, "OI": 0, "IOHW": 1, "HWIO": -1, "HWOI": -2, "IO": -1}

__all__ = [
    "OUT_DIM",
    "count_params",
    "fan_in",
    "guess_kind",
    "images",
    "labels_from_bits",
    "make_state",
    "make_tensor",
    "noise",
    "rng",
    "sample",
]


def rng(salt, name):
    """The generator that belongs to one (salt, name) pair."""
    seed = zlib.crc32(f"{salt}:{name}".encode())
    return np.random.Generator(np.random.PCG64(seed))


def guess_kind(name, shape):
    """Kind of a tensor from its checkpoint name (PyTorch '.'- or TensorFlow '/'-separated) and shape."""
    leaf = name.replace("/", ".").split(".")[-1].split(":")[0]
    if leaf == "num_batches_tracked":
        return "count"
    if leaf in ("running_mean", "moving_mean"):
        return "run_mean"
    if leaf in ("running_var", "moving_variance"):
        return "run_var"
    if len(shape) >= 2:
        return "weight"
    if leaf == "gamma":
        return "scale"
    if leaf == "weight" and len(shape) == 1:  # 1-d weight in PyTorch = affine norm scale
        return "scale"
    return "bias"


def fan_in(shape, out_dim):
    """Product of all dimensions except the output-channel one."""
    dims = [int(d) for d in shape]
    del dims[out_dim]
    total = 1
    for d in dims:
        total *= d
    return total


def make_tensor(salt, name, shape, out_dim=0, kind=None, gain=1.0):
    """One tensor. `out_dim`: an int or one of the layout names in OUT_DIM.

    gain: factor for tensors of kind "weight" only (default 1; a method whose reference.json states a
    "weight_gain" uses it, e.g. deep nets without normalisation whose signal would fade away)."""
    shape = tuple(int(d) for d in shape)
    if isinstance(out_dim, str):
        out_dim = OUT_DIM[out_dim]
    kind = kind or guess_kind(name, shape)
    if kind == "count":
        return np.zeros(shape, dtype=np.int64)
    n = np.asarray(rng(salt, name).standard_normal(shape)).astype(np.float32)
    if kind == "weight":
        n = n * np.float32(1.0 / np.sqrt(max(1, fan_in(shape, out_dim))))
        return n if gain == 1.0 else n * np.float32(gain)
    if kind in ("bias", "run_mean"):
        return n * np.float32(0.02)
    if kind == "scale":
        return np.float32(1.0) + n * np.float32(0.02)
    if kind == "run_var":
        return np.float32(1.0) + np.abs(n) * np.float32(0.02)
    raise ValueError(f"unknown kind {kind!r}")


def make_state(salt, shapes, out_dim=0, overrides=None, gain=1.0):
    """{name: array} for {name: shape}.

    out_dim  : default output-channel dimension for tensors with ndim >= 2
               (0 for PyTorch, -1 for TensorFlow), or a callable (name, shape) -> int | layout name.
    overrides: {name: {"out_dim": ..., "kind": ..., "gain": ...}} for the exceptions.
    gain     : see make_tensor.
    """
    state = {}
    for name, shape in shapes.items():
        o = (overrides or {}).get(name, {})
        d = o.get("out_dim", out_dim(name, shape) if callable(out_dim) else out_dim)
        state[name] = make_tensor(salt, name, shape, out_dim=d, kind=o.get("kind"), gain=o.get("gain", gain))
    return state


def images(salt, n=2, height=128, width=128, key="images", channels=3):
    """Uniform(-1, 1) images, NCHW float32. key: "images" (sources) or "reference"."""
    return rng(salt, key).uniform(-1, 1, (n, channels, height, width)).astype(np.float32)


def noise(salt, shape, key="noise"):
    """Standard normal float32 array."""
    return rng(salt, key).standard_normal(tuple(shape)).astype(np.float32)


def labels_from_bits(rows):
    """["0101", "1100"] -> float32 array of 0/1 labels."""
    return np.array([[float(c) for c in r] for r in rows], dtype=np.float32)


def count_params(shapes, skip=("num_batches_tracked", "running_mean", "running_var", "moving_mean", "moving_variance")):
    """Number of scalars in {name: shape}, leaving out running statistics."""
    total = 0
    for name, shape in shapes.items():
        if name.replace("/", ".").split(".")[-1] in skip:
            continue
        p = 1
        for d in shape:
            p *= int(d)
        total += p
    return total


def sample(array, strides):
    """Strided sample array[::s0, ::s1, ...] as float32 (strides: one int per dimension)."""
    return np.ascontiguousarray(np.asarray(array, dtype=np.float32)[tuple(slice(None, None, int(s)) for s in strides)])
