"""A page to play with: one picture, all methods side by side. It is served to this machine's own browser only.

Gradio is an extra (`pip install "bridgebench[demo]"`). It is told to send no statistics, and the page loads nothing
from a network.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from bridgebench.harness.photo.studio import DRAWN, Picture, Studio
from bridgebench.harness.profiles.profile import Profile
from bridgebench.methods.core.errors import UserError

_ENLARGED = 256  # pixels a side, so that 64 px can be seen


def serve(profile: Profile, port: int, *, wait: bool = True) -> Any:
    """Serves the demo at ``http://127.0.0.1:port`` until it is stopped.

    Args:
        profile: whose methods and judges are used; its columns are attributes.
        port: of this machine.
        wait: False: returns the running page, to be closed by the caller.

    Raises:
        UserError: Gradio is not installed, the profile has domains in place of attributes, or the port is taken.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        import gradio
    except ImportError as error:
        raise UserError('The demo needs Gradio: pip install "bridgebench[demo]" installs it.') from error
    if profile.space.exclusive:
        raise UserError(f"The profile '{profile.name}' has domains; the demo shows attributes: take faces64.")
    page = _page(gradio, Studio(profile))
    try:
        page.launch(
            server_name="127.0.0.1",
            server_port=port,
            share=False,
            prevent_thread_lock=not wait,
            theme=gradio.themes.Base(font=["sans-serif"], font_mono=["monospace"]),  # no font from a network
            footer_links=[],
            quiet=True,
        )
    except OSError as error:
        raise UserError(f"The port {port} is taken: name another by --port.") from error
    return page


def _page(gradio: Any, studio: Studio) -> Any:
    """The page: what is edited on the left, the edits of all methods on the right."""
    names = list(studio.attributes)

    def source_of(photo: Any, number: float) -> Picture:
        return studio.first(int(number)) if photo is None else studio.photo(np.asarray(photo), "the photo")

    def shown(photo: Any, number: float) -> tuple[Any, Any, str]:
        try:
            source = source_of(photo, number)
        except UserError as error:
            raise gradio.Error(str(error)) from error
        for remark in source.remarks:
            gradio.Warning(remark)
        certain = ", ".join(f"{name} {p:.0%}" for name, p in zip(names, source.certainty, strict=True) if p >= 0.5)
        return _enlarged(source.pixels), [n for n, on in zip(names, source.labels, strict=True) if on], certain

    def edited(
        photo: Any,
        number: float,
        wanted: list[str],
        mode: str,
        like: Any,
        like_number: float,
        share: float,
        mix: float,
        seed: float,
    ) -> tuple[list[tuple[Any, str]], list[list[str]]]:
        try:
            source = source_of(photo, number)
            target = studio.target(source, wanted)
            reference = source_of(like, like_number) if mode == _BY_REFERENCE else None
            outcomes = studio.edits(source, target, reference, share=share, mix=mix, seed=int(seed))
        except UserError as error:
            raise gradio.Error(str(error)) from error
        for remark in () if reference is None else reference.remarks:
            gradio.Warning(remark)
        made = [(_enlarged(one.pixels), one.title) for one in outcomes if one.pixels is not None]
        return [(_enlarged(source.pixels), "Source"), *made], [[one.title, one.words] for one in outcomes]

    with gradio.Blocks(title="bridgebench", analytics_enabled=False) as page:
        gradio.Markdown("# bridgebench\nOne picture, edited by all methods. Everything is computed on this machine.")
        with gradio.Row():
            with gradio.Column(scale=1):
                source_view = gradio.Image(label="Source", interactive=False, height=_ENLARGED, buttons=["download"])
                number = gradio.Slider(0, DRAWN - 1, value=0, step=1, label="Drawn face", visible=studio.draws)
                photo = gradio.Image(label="Or your photo", type="numpy", sources=["upload", "clipboard"], height=160)
                reading = gradio.Textbox(label="The first judge reads", interactive=False)
                wanted = gradio.CheckboxGroup(names, label="The edit should show")
                button = gradio.Button("Edit", variant="primary")
                mode = gradio.Radio([_BY_LABEL, _BY_REFERENCE], value=_BY_LABEL, label="Told")
                with gradio.Group(visible=False) as of_reference:
                    like_number = gradio.Slider(
                        0, DRAWN - 1, value=1, step=1, label="Reference: drawn face", visible=studio.draws
                    )
                    like = gradio.Image(label="Or a reference photo", type="numpy", sources=["upload"], height=160)
                    mix = gradio.Slider(0, 1, value=0, label="Mix: 0 is the reference, 1 the label (BridgeGAN)")
                share = gradio.Slider(0, 2, value=1, label="Strength, as a multiple of each method's own")
                seed = gradio.Number(0, precision=0, label="Seed of the noise")
            with gradio.Column(scale=2):
                edits = gradio.Gallery(
                    label="Edits", columns=4, height="auto", object_fit="contain", format="png", buttons=["download"]
                )
                readings = gradio.Dataframe(
                    headers=["method", "what the first judge / the second judge reads, or why there is no edit"],
                    interactive=False,
                    wrap=True,
                    column_widths=["20%", "80%"],
                )
        looks = {"inputs": [photo, number], "outputs": [source_view, wanted, reading]}
        for event in (page.load, number.release, photo.change):
            event(shown, **looks)
        mode.change(lambda chosen: gradio.update(visible=chosen == _BY_REFERENCE), mode, of_reference)
        button.click(
            edited,
            [photo, number, wanted, mode, like, like_number, share, mix, seed],
            [edits, readings],
            api_name="edit",
        )
    return page


_BY_LABEL, _BY_REFERENCE = "by label", "by reference"


def _enlarged(pixels: Any) -> Any:
    """A picture with whole pixels repeated, so that nothing is smoothed that the network did not smooth."""
    times = max(1, _ENLARGED // len(pixels))
    return pixels.repeat(times, axis=0).repeat(times, axis=1)
