"""Which extra brings a library that is not installed, so that its absence is one sentence.

The core of bridgebench reads records and builds pages. Whatever edits, measures or trains needs more, and
pyproject.toml has it in extras.
"""

from __future__ import annotations

# Import names by extra; an extra later in the list brings all that it needs of the earlier ones.
EXTRAS = {
    "figures": ("matplotlib",),
    "run": ("torch", "torchvision", "cleanfid", "resvg_py", "threadpoolctl"),
    "photos": ("skimage",),
    "cluster": ("cryptography", "dask", "distributed"),
    "train": ("lightning", "tensorboard"),
    "sign": ("sigstore",),
    "hub": ("huggingface_hub",),
    "pandas": ("pandas",),
    "tensorflow": ("tensorflow",),
    "demo": ("gradio",),
}


def how_to_get(module: str) -> str | None:
    """A sentence that says how to install a missing module (its import name); None: no extra has it."""
    top = module.partition(".")[0]
    extra = next((name for name, modules in EXTRAS.items() if top in modules), None)
    if extra is None:
        return None
    return f'This needs {top}, which is not installed: pip install "bridgebench[{extra}]" brings it.'
